"""The report in a real browser: drawn, driven by keys, linked to, and safe."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from glueharness.cli import cli
from glueharness.record.run_file import write_record
from tests.browser import Page, axe, chromium
from tests.leaderboard_runs import Making, make_run
from tests.report_pages import HOSTILE, data_of, make_board, write_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

MODELS = [("hf:some/bert-small", 0.9), ("bert-mini", 0.89), ("bert-tiny", 0.7), (HOSTILE, 0.5)]
ENTER, ESCAPE, LEFT, RIGHT, UP, DOWN = "\ue007", "\ue00c", "\ue012", "\ue014", "\ue013", "\ue015"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    yield from chromium()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    runs = tmp_path_factory.mktemp("browser") / "runs"
    for record in make_board(runs, MODELS, seeds=2, rows=200):
        record.score_kind = "probabilities"
        write_record(runs / record.id, record)
    make_board(runs, MODELS[:3], task="stsb", seeds=2, rows=120)
    make_board(runs, MODELS[:2], task="mnli", seeds=1, rows=120)
    make_run(runs, Making(sample=True, number=900))
    make_run(runs, Making(status="failed", number=901))
    return {**data_of(write_report(runs)), "path": runs.parent / "board.html", "runs_dir": runs}


@pytest.fixture
def page(browser: Chrome, data: dict[str, Any]) -> Page:
    return Page(browser, data["path"])


def views_of(data: dict[str, Any]) -> list[str]:
    runs = {
        board["id"]: data["runs"][board["rows"][0]["runs"][0]]["id"] for board in data["boards"]
    }
    return [
        "", "#unfinished", "#no/such", *(f"#board/{name}" for name in runs),
        "#board/stsb/pair/2/0", *(f"#run/{run}" for run in runs.values()),
    ]  # fmt: skip


def sideways(page: Page) -> int:
    return int(
        page.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


def board(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in data["boards"] if each["id"] == name)


def test_every_view_opens_without_a_complaint(page: Page, data: dict[str, Any]) -> None:
    page.open()
    page.requests()
    for view in views_of(data):
        page.open(view)
        assert page.complaints == [], view
        assert page.text("h1")
        assert sideways(page) == 0, view
    assert page.requests() == []


def test_what_the_page_counts_is_what_the_engine_says(page: Page, data: dict[str, Any]) -> None:
    for name in ("qnli", "mnli"):
        for row in board(data, name)["rows"]:
            for run in row["runs"]:
                record = data["runs"][run]
                page.open(f"#run/{record['id']}")
                cells = page.run(
                    "return [...document.querySelectorAll('.confusion td b')]"
                    ".map(cell => Number(cell.innerText.replace(/,/g, '')))"
                )
                size = round(len(cells) ** 0.5)
                right = sum(cells[place * (size + 1)] for place in range(size))
                assert right / sum(cells) == pytest.approx(record["score"], abs=1e-5)


def test_a_pair_is_told_as_compare_tells_it(page: Page, data: dict[str, Any]) -> None:
    found = board(data, "mnli")  # a run against a run
    ids = [data["runs"][row["runs"][0]]["id"] for row in found["rows"]]
    words = ["compare", *ids, "--json", "--runs-dir", str(data["runs_dir"])]
    answer = json.loads(CliRunner().invoke(cli, words).stdout)["comparisons"][0]
    page.open("#board/mnli/pair/0/1")
    assert page.text("#pair .sentence") == answer["sentence"]
    cells = [
        sum(split[key] for split in answer["rows"].values())
        for key in ("both_right", "only_first_right", "only_second_right", "neither_right")
    ]
    assert re.findall(r"(\d+) \d+\.\d %", page.text("#pair table.right")) == [*map(str, cells)]


def test_who_is_closer_is_counted_as_compare_does(page: Page, data: dict[str, Any]) -> None:
    rows = board(data, "stsb")["rows"]
    words = ["compare", rows[0]["model"], rows[2]["model"], "--task", "stsb", "--rows", "--json"]
    result = CliRunner().invoke(cli, [*words, "--runs-dir", str(data["runs_dir"])])
    expected = json.loads(result.stdout)["rows"]
    ahead = sum(row["answers"]["A"]["error"] < row["answers"]["B"]["error"] for row in expected)
    page.open("#board/stsb/pair/0/2")
    assert "more than 0.25" in page.text("#pair")
    shown = [int(found) for found in re.findall(r"closer\s+(\d+)", page.text("#pair table.right"))]
    assert shown == [ahead, len(expected) - ahead]


def test_a_hostile_name_is_only_a_name(page: Page, data: dict[str, Any]) -> None:
    place = next(row["runs"][0] for row in board(data, "qnli")["rows"] if row["model"] == HOSTILE)
    for view in ("#board/qnli", f"#run/{data['runs'][place]['id']}"):
        page.open(view)
        text = page.text()
        assert "\u2039ESC\u203a[31m\u2039U+202E\u203agnp.exe" in text
        assert not re.search("[\x1b\u202e]", page.run("return document.documentElement.innerText"))
        assert page.run("return document.title") != "taken"
        assert page.run("return document.scripts.length") == 2
        assert page.complaints == []


def test_no_other_script_runs(page: Page) -> None:
    page.open()
    page.run(
        "const made = document.createElement('script');"
        "made.textContent = 'document.title = \"taken\"';"
        "document.body.append(made);"
    )
    assert page.run("return document.title") != "taken"
    assert any("Content Security Policy" in text for text in page.complaints)


def test_keys_links_and_back(page: Page) -> None:
    page.open("#board/qnli")
    page.press("/", *"mini")
    assert page.run("return document.querySelectorAll('#board-table tbody tr').length") == 1
    page.press(ESCAPE)
    assert page.run("return document.querySelectorAll('tr[data-row]').length") == len(MODELS)
    page.run("document.querySelector('.matrix a[tabindex=\"0\"]').focus()")
    page.press(RIGHT, DOWN, ENTER)
    assert page.view == "#board/qnli/pair/1/2"
    assert page.run("return document.activeElement.dataset.pair") == "1 2", "the focus is kept"
    assert page.text("#pair .sentence").count("bert-mini") == 1
    page.click("#board-table tr[data-row='1'] th a")
    assert page.view.startswith("#run/qnli-bert-mini")
    assert page.run("return document.activeElement.id") == "run-title"
    page.press(ESCAPE)
    assert page.view == "#board/qnli"
    page.browser.back()
    page.browser.back()
    assert page.view == "#board/qnli/pair/1/2"
    page.run("document.querySelector('#tabs a[aria-current]').focus()")
    page.press(RIGHT)
    assert page.view != "#board/qnli/pair/1/2"
    assert page.run("return document.activeElement.getAttribute('aria-current')") == "page"


def test_boards_are_sorted_and_zoomed(page: Page, data: dict[str, Any]) -> None:
    page.open("#board/qnli")

    def order() -> list[int]:
        script = (
            "return [...document.querySelectorAll('tr[data-row]')].map(e => Number(e.dataset.row))"
        )
        found: list[int] = page.run(script)
        return found

    rows = board(data, "qnli")["rows"]
    assert order() == [0, 1, 2, 3]
    page.click("button[data-sort=model]")
    by_name = sorted(range(4), key=lambda place: rows[place]["model"].lower())
    assert order() == by_name
    page.click("button[data-sort=model]")
    assert order() == by_name[::-1]
    assert page.run("return document.activeElement.dataset.sort") == "model"
    page.click("button[data-sort=speed]")
    assert order() == sorted(range(4), key=lambda place: -rows[place]["speed"])
    page.click(".toggle")
    assert "is off this axis" in page.text("#board-table")


def test_calibration_is_only_for_probabilities(page: Page, data: dict[str, Any]) -> None:
    with_kind = data["runs"][board(data, "qnli")["rows"][0]["runs"][0]]["id"]
    without = data["runs"][board(data, "mnli")["rows"][0]["runs"][0]]["id"]
    page.open(f"#run/{with_kind}")
    assert "Calibration" in page.text("main")
    page.open(f"#run/{without}")
    assert "Calibration" not in page.text("main")
    assert "Most confident mistakes" in page.text("main")


def test_without_a_script_there_are_the_tables(page: Page) -> None:
    page.scripts(allowed=False)
    try:
        page.open()
        shown = page.browser.find_element("css selector", "noscript").text
    finally:
        page.scripts(allowed=True)
    assert "QNLI v2 · dev · n = 200" in shown
    assert "bert-mini" in shown


def test_of_nothing_but_damaged_runs_nothing_is_claimed(browser: Chrome, tmp_path: Path) -> None:
    for number in range(2):
        record = make_run(tmp_path / "runs", Making(number=number))
        (tmp_path / "runs" / record.id / "run.json").write_text("{}")
    write_report(tmp_path / "runs")
    shown = Page(browser, tmp_path / "board.html")
    for view in ("", "#unfinished"):
        shown.open(view)
        text = shown.text()
        assert shown.complaints == []
        assert "There are no completed runs that count: 2 cannot be read." in text
        assert "What could not be read" in text
        assert "complete." not in text


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 760, 1280, 1920])
def test_no_width_scrolls_sideways(
    page: Page, data: dict[str, Any], width: int, *, dark: bool
) -> None:
    for view in views_of(data):
        page.open(view, width=width, dark=dark)
        assert page.complaints == [], view
        assert sideways(page) == 0, view


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 40])
def test_any_number_of_models_is_shown(browser: Chrome, tmp_path: Path, count: int) -> None:
    (tmp_path / "runs").mkdir()
    models = [(f"model-{place:02d}", 0.5 + 0.01 * place) for place in range(count)]
    make_board(tmp_path / "runs", models, seeds=1, rows=60)
    write_report(tmp_path / "runs")
    shown = Page(browser, tmp_path / "board.html")
    for width in (390, 1280):
        shown.open(width=width)
        assert shown.complaints == []
        assert sideways(shown) == 0
        assert shown.run("return document.querySelectorAll('tr[data-row]').length") == count
    if count == 40:
        shown.open("#board/qnli/pair/0/39")
        (found,) = data_of((tmp_path / "board.html").read_text(encoding="utf-8"))["boards"]
        assert found["rows"][0]["model"] in shown.text("#pair .sentence")
        assert found["rows"][39]["model"] in shown.text("#pair .sentence")


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(page: Page, data: dict[str, Any], *, dark: bool) -> None:
    script = axe()
    for width in (390, 1280):
        for view in views_of(data):
            page.open(view, width=width, dark=dark)
            page.run(script)
            found = page.browser.execute_async_script(
                "const done = arguments[0];"
                "axe.run().then(result => done(result.violations.map(each => "
                "[each.id, each.nodes.slice(0, 3).map(node => node.html)])))"
            )
            assert found == [], (view, width)
