// A board: rank ranges, intervals on one axis, the gap to the best; sorted and filtered here.

const boardState = new Map();

function stateOf(board) {
  if (!boardState.has(board.position))
    boardState.set(board.position, { sort: "rank", down: true, filter: "", zoom: false });
  return boardState.get(board.position);
}

const COLUMNS = [
  { key: "rank", label: "Rank", of: (row) => (row.score === null ? null : row.score) },
  { key: "model", label: "Model", of: (row) => row.model.toLowerCase() },
  { key: "score", label: "Score", of: (row) => row.score },
  { key: "gap", label: "Gap to the best", of: (row) => row.score },
  { key: "speed", label: "Rows/s", of: (row) => row.speed },
  { key: "parameters", label: "Parameters", of: (row) => row.parameters },
];

function modelName(row) {
  const [short, before] = shortName(row.model);
  return [
    name(short, { class: "model" }),
    before ? h("span", { class: "sub" }, name(before)) : null,
    row.note ? h("span", { class: "sub" }, row.note) : null,
  ];
}

// In a sentence: the model, with its letter where several rows are of it.
function rowLabel(row) {
  return row.several ? `${row.name} (${row.letter})` : row.name;
}

function boardSection(board) {
  const section = h("section", { class: "board", "aria-labelledby": "board-title" });
  const draw = () => clear(section, boardHead(board, draw), boardTable(board, draw));
  draw();
  return section;
}

function boardHead(board, draw) {
  const state = stateOf(board);
  const filter = h("input", {
    type: "search", id: "filter", placeholder: "Filter models", "aria-label": "Filter models",
    value: state.filter,
    oninput: (event) => {
      state.filter = event.target.value;
      draw();
      const again = document.getElementById("filter");
      again.focus();
      again.setSelectionRange(again.value.length, again.value.length);
    },
  });
  const zoom = h(
    "button",
    { type: "button", class: "toggle", "aria-pressed": String(state.zoom),
      onclick: () => { state.zoom = !state.zoom; draw(); document.querySelector(".toggle").focus(); } },
    "Zoom to the top",
  );
  return [
    h("h2", { id: "board-title" }, `${boardTitle(board)} · ${board.metric}`),
    board.notes.map((line) => h("p", { class: "note" }, line)),
    h("p", { class: "lead" },
      "A filled dot and a blue bar: may be the best. The line is the 95 % interval, small dots are " +
      "seeds, ranks are those that a model may have."),
    board.rows.length > 1 ? h("div", { class: "tools" }, filter, zoom) : null,
  ];
}

function shown(board) {
  const { sort, down, filter } = stateOf(board);
  const column = COLUMNS.find((each) => each.key === sort);
  const wanted = filter.trim().toLowerCase();
  const rows = board.rows.filter((row) =>
    `${row.model} ${row.note} ${row.marks.join(" ")}`.toLowerCase().includes(wanted));
  if (sort === "rank" && down) return rows;
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return rows.sort((first, second) => {
    const [a, b] = [column.of(first), column.of(second)];
    if (a === null || b === null) return (a === null) - (b === null); // what is not known comes last
    return (down === (sort === "model") ? 1 : -1) * order(a, b) || first.place - second.place;
  });
}

function boardAxis(board) {
  const scored = board.rows.filter((row) => row.score !== null);
  const tied = scored.filter((row) => row.tied);
  const rows = stateOf(board).zoom && tied.length ? tied : scored;
  const values = rows.flatMap((row) => [row.score, ...(row.interval || []), ...row.seeds]);
  return scale(...ends(values, 0.04));
}

function boardTable(board, draw) {
  const x = boardAxis(board);
  const rows = shown(board);
  const state = stateOf(board);
  const known = COLUMNS.filter(
    ({ key }) => !["speed", "parameters"].includes(key) || board.rows.some((row) => row[key]));
  const body = [];
  rows.forEach((row, at) => {
    const before = rows[at - 1];
    if (state.sort === "rank" && state.down && before?.tied && row.rank && !row.tied)
      body.push(h("tr", { class: "divide" },
        h("td", { colspan: known.length + 1 }, "below: told apart from the best")));
    body.push(boardRow(board, row, x, known));
  });
  if (!rows.length)
    body.push(h("tr", {}, h("td", { colspan: known.length + 1 }, "No model of that name.")));
  return [
    h("table", { class: "rows", id: "board-table" },
      h("caption", { class: "unseen" }, board.heading),
      h("thead", {}, h("tr", {}, known.map((column) => sortHead(column, board, draw, x)))),
      h("tbody", {}, body)),
    h("p", { class: "unseen", role: "status" }, `${rows.length} of ${plural(board.rows.length, "row")}`),
  ];
}

function sortHead(column, board, draw, x) {
  const state = stateOf(board);
  const now = state.sort === column.key;
  const press = () => {
    state.down = now ? !state.down : true;
    state.sort = column.key;
    draw();
    document.querySelector(`button[data-sort="${column.key}"]`).focus();
  };
  const button = h(
    "button", { type: "button", class: "sort", "data-sort": column.key, onclick: press },
    column.label, h("span", { class: "arrow", "aria-hidden": "true" }, now ? (state.down ? " ↓" : " ↑") : ""));
  const turned = state.down === (column.key === "model" || column.key === "rank");
  const sorted = now ? (turned ? "ascending" : "descending") : null;
  const cell = h("th", { scope: "col", class: `of-${column.key}`, "aria-sort": sorted }, button);
  if (column.key !== "score") return cell;
  const marks = ticks(100 * x.low, 100 * x.high, 4);
  add(cell, [h("svg", { class: "axis", height: 14, "aria-hidden": "true" },
    marks.map((value) => {
      const place = x.place(value / 100);
      const anchor = place < 6 ? "start" : place > 94 ? "end" : "middle";
      return h("text", { x: x(value / 100), y: 11, "text-anchor": anchor }, tickText(value, marks));
    }))]);
  return cell;
}

function rankText(rank) {
  if (!rank) return NOTHING;
  return rank[0] === rank[1] ? String(rank[0]) : `${rank[0]}–${rank[1]}`;
}

function rankStrip(rank, total) {
  if (!rank || total < 2) return null;
  const x = scale(1, total + 1);
  return h("svg", { class: "strip", height: 6, "aria-hidden": "true" },
    h("line", { class: "base", x1: "0%", x2: "100%", y1: 3, y2: 3 }),
    h("line", { class: "interval", x1: x(rank[0]), x2: x(rank[1] + 1), y1: 3, y2: 3 }));
}

function boardRow(board, row, x, known) {
  const cells = {
    rank: () => [h("span", {}, rankText(row.rank)), rankStrip(row.rank, board.rows.length)],
    model: () => [
      h("a", { href: runLink(row.runs[0]) }, modelName(row)),
      row.marks.map((mark) => [" ", h("span", { class: "mark" }, mark)]),
    ],
    score: () => scoreCell(board, row, x),
    gap: () => gapCell(board, row),
    speed: () => (row.speed ? count(Math.round(row.speed)) : NOTHING),
    parameters: () => large(row.parameters),
  };
  const kind = [row.tied ? "tied" : "", board.pick === row.place ? "pick" : ""].join(" ").trim();
  return h("tr", { class: kind || null, "data-row": row.place },
    known.map(({ key, label }) => {
      const inner = cells[key]();
      return key === "model"
        ? h("th", { scope: "row", class: "of-model" }, inner,
            board.pick === row.place ? h("span", { class: "mark take" }, "take this one") : null)
        : h("td", { class: `of-${key}`, "data-label": label }, inner);
    }));
}

function scoreCell(board, row, x) {
  if (row.score === null) return h("span", { class: "dim" }, "no score");
  const spread = row.deviation === null ? "" : ` ± ${points(row.deviation)}`;
  const about = row.interval ? `, 95 % interval ${points(row.interval[0], 1)} to ${points(row.interval[1], 1)}` : "";
  return h("div", { class: "scored" },
    h("span", { class: "number" }, h("b", {}, points(row.score)), h("span", { class: "dim" }, spread)),
    whisker(x, { ...row, filled: row.tied }, `${points(row.score)}${spread}${about}`));
}

function gapCell(board, row) {
  const first = board.rows[0];
  if (row === first || row.score === null || first.score === null) return NOTHING;
  const text = signed(100 * (row.score - first.score));
  return pairOf(board, 0, row.place)
    ? h("a", { href: pairLink(board, 0, row.place), title: "compare with the best" }, text)
    : text;
}
