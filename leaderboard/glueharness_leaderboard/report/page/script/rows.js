// Where two rows of a board differ: who is right on how many rows of the data, and on which.

const SHOWN_ROWS = 25;

// Kinds of rows, by what A and B do there; each with the places of its rows.
function kindsOf(board, first, second) {
  const [a, b] = [doing(board, first), doing(board, second)];
  if (!a || !b) return null;
  const regression = isRegression(board);
  const { least } = board.truth; // as `compare` counts
  const kinds = regression
    ? [["a", "A closer"], ["b", "B closer"], ["alike", "Alike"]]
    : [["a", "Only A right"], ["b", "Only B right"], ["neither", "Both wrong"], ["both", "Both right"]];
  const places = Object.fromEntries(kinds.map(([kind]) => [kind, []]));
  for (const [split, place] of placesOf(board)) {
    const [x, y] = [a[split][place], b[split][place]];
    const kind = regression
      ? y - x > least ? "a" : x - y > least ? "b" : "alike"
      : x > 0.5 ? (y > 0.5 ? "both" : "a") : y > 0.5 ? "b" : "neither";
    places[kind].push([split, place]);
  }
  return { regression, least, kinds, places };
}

function differences(board, first, second) {
  const found = kindsOf(board, first, second);
  if (!found)
    return h("p", { class: "dim" }, "The predictions of these runs are not in this page. Row by row: ",
      h("code", {}, "glueharness compare A B --rows"));
  const { kinds, places } = found;
  const total = kinds.reduce((sum, [kind]) => sum + places[kind].length, 0);
  const list = h("div", { class: "quoted" });
  const search = h("input", { type: "search", placeholder: "Search texts or row numbers",
    "aria-label": "Search texts or row numbers", oninput: () => draw() });
  let now = places.a.length || !places.b.length ? "a" : "b";
  const buttons = kinds.map(([kind, label]) => h("button", {
    type: "button", "aria-pressed": String(kind === now),
    onclick: (event) => {
      now = kind;
      buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === event.currentTarget)));
      draw();
    },
  }, `${label} ${count(places[kind].length)}`));
  const draw = () => clear(list, rowList(board, first, second, places[now], search.value));
  draw();
  return [
    h("h3", {}, found.regression ? "Who is closer" : "Who is right"),
    found.regression ? closerTable(found, total) : rightTable(found, total),
    h("p", { class: "dim" }, found.regression
      ? `Closer: the mean error over the seeds is smaller by more than ${found.least.toFixed(2)}.`
      : `A row counts as right where more than half of the seeds are. They agree on ${share(places.both.length + places.neither.length, total)} of the rows.`),
    h("div", { class: "kinds", role: "group", "aria-label": "Rows to list" }, buttons),
    search, list,
  ];
}

// A note on the texts; an option in it is not broken over lines.
function noted(note) {
  return (note ? ` ${note}` : "").split(/(--\S+ \w+)/).map((part) =>
    part.startsWith("--") ? h("code", { class: "whole" }, part) : part);
}

function share(part, total) {
  return `${total ? ((100 * part) / total).toFixed(1) : 0} %`;
}

function rightTable({ places }, total) {
  const cell = (kind, mark) => h("td", { class: mark }, h("b", {}, count(places[kind].length)), " ",
    h("span", { class: "dim" }, share(places[kind].length, total)));
  return h("table", { class: "right" },
    h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "B right"), h("th", { scope: "col" }, "B wrong"))),
    h("tbody", {},
      h("tr", {}, h("th", { scope: "row" }, "A right"), cell("both"), cell("a", "better")),
      h("tr", {}, h("th", { scope: "row" }, "A wrong"), cell("b", "worse"), cell("neither"))));
}

function closerTable({ kinds, places }, total) {
  return h("table", { class: "right" }, h("tbody", {}, kinds.map(([kind, label]) => h("tr", {},
    h("th", { scope: "row" }, label),
    h("td", { class: { a: "better", b: "worse" }[kind] }, h("b", {}, count(places[kind].length))),
    h("td", {}, h("span", { class: "dim" }, share(places[kind].length, total)))))));
}

function rowList(board, first, second, places, search) {
  const quotes = quotesOf(board);
  const wanted = search.trim().toLowerCase();
  const hit = ([split, place]) => {
    const texts = quotes.get(`${split} ${place}`)?.texts || [];
    return !wanted || rowName(board, split, place) === wanted ||
      texts.some((text) => text.toLowerCase().includes(wanted));
  };
  const found = places.filter(hit);
  const withTexts = found.filter(([split, place]) => quotes.has(`${split} ${place}`));
  const listed = withTexts.slice(0, SHOWN_ROWS);
  const numbers = found.map(([split, place]) => rowName(board, split, place)).join(" ");
  return [
    h("p", { class: "dim", role: "status" },
      plural(found.length, "row"),
      withTexts.length ? `; the texts of ${count(withTexts.length)} are in this page` : "",
      withTexts.length > SHOWN_ROWS ? `, the first ${SHOWN_ROWS} are listed.` : ".",
      noted(board.texts.note)),
    listed.map(([split, place]) => quotedRow(board, split, place, [first, second])),
    found.length ? h("details", {}, h("summary", {}, "Row numbers"),
      h("p", { class: "numbers", tabindex: 0, role: "region", "aria-label": "Row numbers" }, numbers.length > 20000 ? `${numbers.slice(0, 20000)} …` : numbers), copyButton(numbers, "Copy all")) : null,
  ];
}

// The rows whose texts are here, by place.
function quotesOf(board) {
  if (!board.quotes)
    board.quotes = new Map((board.texts?.rows || []).map(([split, place, ...texts], at) =>
      [`${split} ${place}`, { at, texts }]));
  return board.quotes;
}

function textsOf(board, split, place) {
  const texts = quotesOf(board).get(`${split} ${place}`)?.texts;
  return texts && board.texts.columns.map((column, at) =>
    h("p", { class: "text" }, h("span", { class: "column" }, column), " ", h("span", { dir: "auto" }, texts[at])));
}

function quotedRow(board, split, place, sides) {
  const truth = truthOf(board)[split][place];
  const said = sides.map((row) => row.runs.map((run) => predictionsOf(board, run)[split][place]));
  const words = said.map((values, at) => {
    const letters = "AB"[at];
    if (isRegression(board))
      return `${letters} ${(values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2)}`;
    const right = values.filter((value) => value === truth).length;
    return values.length > 1 ? `${letters} right with ${right} of ${values.length} seeds`
      : `${letters} ${valueName(board, values[0])}`;
  });
  return h("article", { class: "row" },
    h("div", {}, textsOf(board, split, place),
      h("p", { class: "dim" }, `row ${rowName(board, split, place)} · label `,
        h("b", {}, valueName(board, truth)), ` · ${words.join(" · ")}`)),
    strip(board, split, place, sides, truth, said));
}

// Seeds of A as discs and of B as diamonds: how likely they hold the true label, or their number.
function strip(board, split, place, sides, truth, said) {
  const at = quotesOf(board).get(`${split} ${place}`)?.at;
  const regression = isRegression(board);
  const values = regression ? said : sides.map((row) =>
    row.runs.map((run) => DATA.runs[run].sure?.[at]).filter((value) => value !== undefined));
  if (!values.some((each) => each.length)) return null;
  const { low, high } = board.truth.splits[split];
  const x = regression ? scale(...ends([low, high], 0.02)) : scale(-3, 103);
  const label = regression ? `numbers said, ${low.toFixed(1)} to ${high.toFixed(1)}` : "P(label), 0 to 100 %";
  return h("div", { class: "strips" },
    h("svg", { class: "answers", height: 26, role: "img",
      "aria-label": `${label}: A ${values[0].map((value) => Number(value).toFixed(regression ? 2 : 0)).join(", ")}; B ${values[1].map((value) => Number(value).toFixed(regression ? 2 : 0)).join(", ")}` },
      h("line", { class: "base", x1: "0%", x2: "100%", y1: 22, y2: 22 }),
      regression ? h("line", { class: "zero", x1: x(truth), x2: x(truth), y1: 2, y2: 24 }) : null,
      values[0].map((value) => h("circle", { class: "of-a", cx: x(value), cy: 7, r: 3.5 })),
      values[1].map((value) => h("svg", { x: x(value), y: 16, overflow: "visible" },
        h("path", { class: "of-b", d: "M0 -4L4 0L0 4L-4 0Z" })))),
    h("span", { class: "dim" }, label));
}
