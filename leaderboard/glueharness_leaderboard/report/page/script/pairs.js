// Pairs: every row against every other, and what is to be said of one pair.

const MATRIX = 24;

function pairedRows(board) {
  return board.rows.filter((row) => row.place < board.pairs.most &&
    board.rows.some((other) => other !== row && pairOf(board, row.place, other.place)));
}

function pairsSection(board, [a, b]) {
  const rows = board.pairs ? pairedRows(board) : [];
  if (rows.length < 2) return null;
  const panel = h("div", { class: "panel", id: "pair" });
  const section = h("section", { class: "pairs", "aria-labelledby": "pairs-title" },
    h("h2", { id: "pairs-title" }, "Pairs"),
    h("p", { class: "lead" },
      `Row less column, in points, on the same rows. Tinted and bold: real at the 5 % level` +
      (board.pairs.list.length > 1
        ? `, all ${count(board.pairs.list.length)} pairs allowed for (Holm), as compare with all these models prints it. Ranks on the board allow for a row’s own comparisons only.`
        : ", as compare prints it.")),
    h("ul", { class: "legend" },
      h("li", {}, h("span", { class: "key better" }), "row is better"),
      h("li", {}, h("span", { class: "key worse" }), "row is worse"),
      h("li", {}, h("span", { class: "key" }), "not distinguishable")),
    h("div", { class: "beside" },
      h("div", {},
        h("div", { class: "wide", tabindex: -1 }, matrix(board, rows.slice(0, MATRIX))),
        h("p", { class: "dim" }, "Arrow keys walk through the cells; Enter opens the pair.",
          rows.length > MATRIX ? ` The ${MATRIX} best are in the matrix; the lists reach ${rows.length}.` : "")),
      panel));
  showPair(board, rows, a ?? rows[0].place, b ?? rows[1].place, panel, section);
  section.show = (first, second) => showPair(board, rows, first, second, panel, section);
  return section;
}

function matrix(board, rows) {
  const table = h("table", { class: "matrix", onkeydown: walk },
    h("caption", { class: "unseen" }, "Differences in points"),
    h("thead", {}, h("tr", {}, h("td", {}), h("td", {}), rows.map((row) =>
      h("th", { scope: "col" }, h("abbr", { title: rowLabel(row) }, row.letter))))),
    h("tbody", {}, rows.map((row) => h("tr", {},
      h("td", { class: "letter" }, row.letter),
      h("th", { scope: "row" }, name(shortName(row.model)[0]), row.note ? h("span", { class: "dim" }, ` ${row.note}`) : null),
      rows.map((column) => matrixCell(board, row, column))))));
  const first = table.querySelector("a");
  if (first) first.tabIndex = 0;
  return table;
}

function matrixCell(board, row, column) {
  const found = row === column ? null : pairOf(board, row.place, column.place);
  if (!found) return h("td", { class: "self" }, row === column ? "·" : NOTHING);
  const digits = Math.abs(found.value) < 9.95 ? 1 : 0;
  const kind = found.real ? (found.value > 0 ? "better" : "worse") : "";
  const said = found.real ? (found.value > 0 ? "better" : "worse") : "not distinguishable";
  return h("td", { class: kind || null },
    h("a", {
      href: pairLink(board, row.place, column.place), tabindex: -1,
      "data-pair": `${row.place} ${column.place}`,
      "aria-label": `${rowLabel(row)} against ${rowLabel(column)}: ${signed(found.value, digits)} points, ${said}`,
    }, found.value === null ? NOTHING : signed(found.value, digits)));
}

// Arrow keys in the matrix; what is on the diagonal is passed over.
function walk(event) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  event.preventDefault();
  const lines = [...event.currentTarget.tBodies[0].rows];
  let [line, column] = [lines.indexOf(cell.parentElement), cell.cellIndex];
  for (;;) {
    line += step[0];
    column += step[1];
    const next = lines[line]?.cells[column];
    if (!next || column < 2) return;
    const link = next.querySelector("a");
    if (link) {
      event.currentTarget.querySelectorAll("a").forEach((each) => { each.tabIndex = -1; });
      link.tabIndex = 0;
      link.focus();
      return;
    }
  }
}

function showPair(board, rows, a, b, panel, section) {
  section.querySelectorAll("a[data-pair]").forEach((link) => {
    const now = link.dataset.pair === `${a} ${b}`;
    if (now) {
      section.querySelectorAll("a[data-pair]").forEach((each) => { each.tabIndex = -1; });
      link.tabIndex = 0;
      link.setAttribute("aria-current", "true");
    } else link.removeAttribute("aria-current");
  });
  const [first, second] = [board.rows[a], board.rows[b]];
  const focused = document.activeElement?.dataset?.side;
  const choose = (side) => (event) => {
    const place = Number(event.target.value);
    go(side === "A" ? pairLink(board, place, b) : pairLink(board, a, place));
  };
  const list = (side, chosen, other) => h("label", { class: `side ${side}` }, h("b", {}, side), " ",
    h("select", { onchange: choose(side), "data-side": side, "aria-label": `Model ${side}` },
      rows.filter((row) => row !== other).map((row) =>
        h("option", { value: row.place, selected: row === chosen },
          `${row.letter} ${row.name}${row.note ? `, ${row.note}` : ""}`))));
  clear(panel,
    h("div", { class: "choose" }, list("A", first, second),
      h("button", { type: "button", "aria-label": "Exchange A and B", onclick: () => go(pairLink(board, b, a)) }, "⇄"),
      list("B", second, first)),
    verdictOf(board, first, second),
    differences(board, first, second));
  if (focused) panel.querySelector(`select[data-side="${focused}"]`)?.focus();
}

// The sentence of `compare`, with the names set in.
function sentenceOf(board, { form, words: [pointsText, interval, p], first, second }) {
  const values = {
    first: () => name(rowLabel(board.rows[first]), { class: "model" }),
    second: () => name(rowLabel(board.rows[second]), { class: "model" }),
    points: () => pointsText, interval: () => interval, p: () => p,
  };
  return form.replaceAll("{{", "\u0001").replaceAll("}}", "\u0002").split(/(\{\w+\})/u).map((part) => {
    const value = values[part.slice(1, -1)];
    return part.startsWith("{") && value ? value() : part.replaceAll("\u0001", "{").replaceAll("\u0002", "}");
  });
}

function verdictOf(board, first, second) {
  const found = pairOf(board, first.place, second.place);
  if (!found) return h("p", {}, "These two were not tested against each other.");
  const ranked = first.rank && second.rank && !found.real && (first.tied !== second.tied);
  return h("div", { class: "verdict" },
    h("p", { class: "sentence", role: "status" }, sentenceOf(board, found.sentence)),
    found.value === null ? null : gapDrawing(found, first, second),
    h("p", { class: "dim" },
      `A ${points(first.score)}, B ${points(second.score)}; A − B = ${signed(found.value, 2)}.`,
      ranked ? " On the board the ranks tell one of them from the best: they allow for fewer comparisons than there are pairs here." : ""));
}

// A − B with its interval, and what each seed of A is from each of the same number of B.
function gapDrawing(found, first, second) {
  const seeds = new Map(second.runs.map((run, at) => [DATA.runs[run].seed, second.seeds[at]]));
  const gaps = first.runs
    .map((run, at) => [first.seeds[at], seeds.get(DATA.runs[run].seed)])
    .filter(([a, b]) => a !== null && b !== null && b !== undefined)
    .map(([a, b]) => 100 * (a - b));
  const shownGaps = gaps.length > 1 ? gaps : [];
  const x = scale(...ends([0, found.low, found.high, ...shownGaps], 0.08));
  const marks = ticks(x.low, x.high, 5);
  const kind = found.real ? (found.value > 0 ? "better" : "worse") : "";
  return h("svg", { class: `gap ${kind}`, height: 56, role: "img",
    "aria-label": `A − B ${signed(found.value, 2)} points, interval ${signed(found.low)} to ${signed(found.high)}` },
    marks.map((value) => [
      h("line", { class: Math.abs(value) < 1e-9 ? "zero" : "grid", x1: x(value), x2: x(value), y1: 2, y2: 38 }),
      h("text", { x: x(value), y: 52, "text-anchor": x.place(value) < 5 ? "start" : x.place(value) > 95 ? "end" : "middle" }, tickText(value, marks))]),
    h("line", { class: "interval", x1: x(found.low), x2: x(found.high), y1: 14, y2: 14 }),
    h("circle", { class: "dot filled", cx: x(found.value), cy: 14, r: 5 }),
    shownGaps.map((value) => h("circle", { class: "seed", cx: x(value), cy: 29, r: 2.5 })));
}
