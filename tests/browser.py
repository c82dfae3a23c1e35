"""A real browser without a window, for tests of pages; they skip where there is none."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

_SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium() -> Iterator[Chrome]:
    """Chromium with a profile of its own; skips the test where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    pytest.importorskip("selenium", reason="needs selenium: pip install 'glueharness[test]'")
    from selenium import webdriver

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        made = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield made
        finally:
            made.quit()


class Page:
    """A page in a browser.

    Args:
        browser: The browser.
        path: The file.
    """

    def __init__(self, browser: Chrome, path: Path) -> None:
        self.browser = browser
        self.url = path.resolve().as_uri()

    def open(self, view: str = "", *, width: int = 1280, dark: bool = False) -> None:
        """Load the page anew at a view and a width, in the light or the dark scheme."""
        self.media(**{"prefers-color-scheme": "dark" if dark else "light"})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.get("about:blank")
        self.browser.get(self.url + view)

    def media(self, **features: str) -> None:
        """What the user prefers, by media feature; names with ``-``."""
        found = [{"name": name, "value": value} for name, value in features.items()]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": found})

    def scripts(self, *, allowed: bool) -> None:
        """Whether scripts may run, from the next load on."""
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def run(self, script: str, *values: Any) -> Any:
        """What a script returns."""
        return self.browser.execute_script(script, *values)

    def text(self, selector: str = "body") -> str:
        """What a reader sees of an element."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def click(self, selector: str) -> None:
        """Click an element as a mouse does."""
        from selenium.webdriver.common.by import By

        found = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        found.click()

    def _log(self, kind: str) -> list[dict[str, Any]]:
        browser: Any = self.browser  # the method has no types
        found: list[dict[str, Any]] = browser.get_log(kind)
        return found

    @property
    def view(self) -> str:
        """The hash of its address."""
        return str(self.run("return location.hash"))

    @property
    def complaints(self) -> list[str]:
        """What the browser has complained of since it was asked last."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last time, but for the page itself."""
        import json

        found = []
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(str(message["params"]["request"]["url"]))
        own = (self.url, "about:", "data:,")
        return [url for url in found if not url.startswith(own)]


def axe() -> str:
    """The script of axe-core; skips the test where it is not installed."""
    spec = importlib.util.find_spec("axe_core_python")
    if spec is None or spec.origin is None:
        pytest.skip("needs axe-core-python: pip install 'glueharness[test]'")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
