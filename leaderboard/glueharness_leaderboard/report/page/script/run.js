// A run: score, the command that repeats it, settings, data, machine, confusion, calibration,
// and the mistakes that it was surest of.

const MOST_LABELS = 12;

function runPage(run, position) {
  const board = DATA.boards[run.board];
  const row = board.rows[run.row];
  return h("article", { class: "run", "aria-labelledby": "run-title" },
    h("p", { class: "crumbs" }, h("a", { href: boardLink(board), id: "back" }, `← ${boardTitle(board)}`), "  Seeds: ",
      row.runs.map((other, at) => [at ? ", " : "",
        other === position ? h("b", {}, DATA.runs[other].seed) : h("a", { href: runLink(other) }, DATA.runs[other].seed)])),
    h("h2", { id: "run-title", tabindex: -1 }, name(row.model), row.note ? `, ${row.note}` : "", ` on ${board.title}, seed ${run.seed}`),
    h("p", {}, h("code", {}, name(run.id)), run.marks.map((mark) => [" ", h("span", { class: "mark" }, mark)]),
      run.tags.map((tag) => [" ", h("span", { class: "tag" }, tag)])),
    run.imported ? h("p", { class: "note" }, `IMPORTED · ${run.imported}; nobody has seen its numbers computed here`) : null,
    run.note ? h("p", { class: "said-of-it", dir: "auto" }, run.note.split("\n").map((line) => h("span", {}, line, h("br")))) : null,
    figures(run, row, board),
    h("h3", {}, "Repeat it"),
    h("div", { class: "command" }, h("pre", { tabindex: 0, "aria-label": "The command" }, h("code", { id: "command" }, run.command)), copyButton(run.command, "Copy")),
    h("p", { class: "dim" }, "For a POSIX shell such as bash. With the same data, versions and kind of machine it computes the same."),
    run.warnings.length ? [h("h3", {}, "Warnings"), h("ul", {}, run.warnings.map((text) => h("li", {}, text)))] : null,
    h("div", { class: "columns" },
      h("div", {}, settingsOf(run), dataOf(run), machineOf(run)),
      h("div", {}, confusion(board, position), calibrationOf(run), curveOf(run, row))),
    mistakesOf(board, run));
}

function figures(run, row, board) {
  const figure = (value, label) => (value ? h("div", {}, h("b", {}, value), h("span", { class: "dim" }, label)) : null);
  const all = row.runs.length > 1 ? `${points(row.score)}${row.deviation === null ? "" : ` ± ${points(row.deviation)}`}` : null;
  const kept = keptEpoch(DATA.runs.indexOf(run));
  return h("div", { class: "figures" },
    figure(points(row.seeds[row.runs.indexOf(DATA.runs.indexOf(run))]), board.metric),
    Object.entries(run.metrics).flatMap(([split, values]) => Object.entries(values).map(([metric, value]) =>
      Object.keys(run.metrics).length * Object.keys(values).length > 1 ? figure(points(value), `${metric}, ${split}`) : null)),
    figure(all, `all ${row.runs.length} seeds`),
    figure(row.rank && rankText(row.rank), `rank of ${board.rows.length}`),
    figure(row.speed && count(Math.round(row.speed)), "rows a second, scoring"),
    figure(run.timings.fit && duration(run.timings.fit), "training"),
    figure(run.measured.training && count(Math.round(run.measured.training)), "rows a second, training"),
    figure(run.measured.memory && `${(run.measured.memory / 1e9).toFixed(1)} GB`, "memory at most"),
    figure(run.measured.gpu && `${(run.measured.gpu / 1e9).toFixed(1)} GB`, "GPU memory at most"),
    figure(row.parameters && large(row.parameters), "parameters"),
    figure(kept && run.history.epochs.length > 1 && `${kept[0]} of ${run.history.epochs.length}`, "epoch that is scored"));
}

function factsTable(title, rows) {
  return h("table", { class: "plain" }, h("caption", {}, title),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", {}, text))))));
}

function settingsOf(run) {
  const all = DATA.settings[run.settings];
  const chosen = all.filter(([, , origin]) => origin !== "default");
  const others = all.filter(([, , origin]) => origin === "default");
  return [
    chosen.length ? factsTable("Settings that differ from the defaults", chosen) : null,
    others.length ? h("details", {}, h("summary", {}, plural(others.length, "default")), factsTable("Defaults", others)) : null,
  ];
}

function dataOf(run) {
  const rows = run.data.splits.map(([split, , used, available, expected, fingerprint, standing]) => [
    split,
    `${count(used)}${used < available ? ` of ${count(available)}` : expected && expected !== available ? ` of ${count(expected)}` : ""} rows`,
    standing, h("code", {}, fingerprint)]);
  return [factsTable(`Data: ${run.data.source}`, rows),
    run.weights ? h("p", {}, "Weights: ", h("code", {}, run.weights)) : null,
    run.parent ? h("p", {}, "Starts from, or evaluates, the run ", h("code", {}, name(run.parent))) : null,
    run.reproduces ? h("p", {}, "Reproduces the run ", h("code", {}, name(run.reproduces))) : null,
    run.identity ? h("p", {}, "Identity: ", h("code", {}, run.identity)) : null];
}

function machineOf(run) {
  return factsTable("Environment", DATA.environments[run.environment]);
}

function confusion(board, position) {
  const said = board.truth && predictionsOf(board, position);
  if (!said) return h("p", { class: "dim" }, "The predictions of this run are not in this page.");
  if (isRegression(board)) return null;
  const { labels } = board.truth;
  if (labels.length > MOST_LABELS) return confusions(board, said);
  const table = labels.map(() => labels.map(() => 0));
  truthOf(board).forEach((truth, split) => truth.forEach((label, place) => { table[label][said[split][place]] += 1; }));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
    h("table", { class: "confusion" }, h("caption", {}, "Confusion"),
      h("thead", {}, h("tr", {}, h("td", { class: "dim" }, "label ↓ said →"), labels.map((label) => h("th", { scope: "col" }, label)))),
      h("tbody", {}, table.map((line, label) => {
        const all = line.reduce((sum, value) => sum + value, 0);
        return h("tr", {}, h("th", { scope: "row" }, labels[label]), line.map((value, other) =>
          h("td", { class: other === label ? "true" : null }, h("b", {}, count(value)), h("span", { class: "sub" }, share(value, all)))));
      }))));
}

// Of many labels those that are taken for one another most often.
function confusions(board, said) {
  const counts = new Map();
  truthOf(board).forEach((truth, split) => truth.forEach((label, place) => {
    const other = said[split][place];
    if (other !== label) counts.set(`${label} ${other}`, (counts.get(`${label} ${other}`) || 0) + 1);
  }));
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_LABELS);
  return factsTable("Most frequent confusions: label, said, rows", most.map(([pair, rows]) =>
    [...pair.split(" ").map((label) => valueName(board, Number(label))), count(rows)]));
}

function calibrationOf(run) {
  const found = run.calibration;
  if (!found) return null;
  const x = scale(found.least - 0.02, 1.02);
  const y = scale(1.04, Math.min(found.least, ...found.bins.map((bin) => bin[3])) - 0.04);
  const marks = ticks(100 * found.least, 100, 4);
  const most = Math.max(...found.bins.map(([rows]) => rows));
  return h("figure", { class: "calibration" }, h("figcaption", {}, h("b", {}, "Calibration")),
    h("svg", { class: "calibrated", height: 220, role: "img",
      "aria-label": found.bins.map(([rows, sure, right]) => `${rows} rows: sure ${points(sure, 0)} %, right ${points(right, 0)} %`).join("; ") },
      marks.map((value) => [
        h("line", { class: "grid", x1: "0%", x2: "100%", y1: y(value / 100), y2: y(value / 100) }),
        h("text", { x: "0%", y: y(value / 100), dy: -3 }, tickText(value, marks))]),
      h("line", { class: "pareto", x1: x(found.least), y1: y(found.least), x2: x(1), y2: y(1) }),
      found.bins.map(([rows, sure, right, low, high], at) => [
        at ? h("line", { class: "curve tied", x1: x(found.bins[at - 1][1]), y1: y(found.bins[at - 1][2]), x2: x(sure), y2: y(right) }) : null,
        h("line", { class: "interval", x1: x(sure), x2: x(sure), y1: y(low), y2: y(high) }),
        h("circle", { class: "dot filled", cx: x(sure), cy: y(right), r: 4 }, h("title", {}, `${count(rows)} rows`))])),
    h("svg", { class: "bars", height: 34, "aria-hidden": "true" }, found.bins.map(([rows, sure]) =>
      h("line", { class: "bar", x1: x(sure), x2: x(sure), y1: 34, y2: 34 - Math.max(1, (32 * rows) / most) }))),
    h("p", { class: "dim" }, `Across: how sure the run said it was, ${points(found.least, 0)} to 100 %; up: how often it was right; bars: rows. ` +
      `Mean gap (ECE) ${points(found.error, 1)} points: ${found.over ? "surer than it should be" : "less sure than it could be"}.`));
}

function curveOf(run, row) {
  if (!run.history || run.history.scores.length < 2) return null;
  const position = DATA.runs.indexOf(run);
  const only = { ...row, runs: [position], note: "" };
  const kinds = lossKinds([position]);
  const [low, high] = ends(run.history.scores);
  const losses = kinds.flatMap(([key]) => run.history.losses[key]);
  const [lossLow, lossHigh] = lossEnds(losses);
  const most = Math.max(...run.history.epochs);
  return h("div", { class: "multiples one" }, h("h3", {}, "Epochs"),
    multiple(only, { score: { low, high, most, height: 110 }, loss: { low: lossLow, high: lossHigh, most, height: 60 } }, kinds),
    h("p", { class: "dim" }, `Dev score ${points(low, 1)} to ${points(high, 1)}`,
      kinds.length ? `; ${kinds.map(([, label]) => label).join(", ")} ${lossLow.toPrecision(2)} to ${lossHigh.toPrecision(2)}.` : "."));
}

function mistakesOf(board, run) {
  if (!run.mistakes?.length) return null;
  const said = predictionsOf(board, DATA.runs.indexOf(run));
  if (!said) return null;
  const others = board.rows.map((row) => doing(board, row)).filter(Boolean);
  const quotes = quotesOf(board);
  const shownRows = run.mistakes.filter(([split, place]) => quotes.has(`${split} ${place}`));
  const rest = run.mistakes.filter(([split, place]) => !quotes.has(`${split} ${place}`));
  const likely = Boolean(run.calibration);
  return h("section", { class: "mistakes", "aria-labelledby": "mistakes-title" },
    h("h3", { id: "mistakes-title" }, "Most confident mistakes"),
    h("p", { class: "dim" }, "Worth reading first: often it is the label that is wrong.", noted(board.texts.note)),
    [...shownRows, ...rest].map(([split, place, sure]) => {
      const wrong = others.filter((each) => each[split][place] <= 0.5).length;
      return h("article", { class: "row" },
        h("div", {}, textsOf(board, split, place),
          h("p", { class: "dim" }, `row ${rowName(board, split, place)} · label `, h("b", {}, valueName(board, truthOf(board)[split][place])),
            " · said ", h("b", {}, valueName(board, said[split][place])),
            likely ? ` with ${(100 * sure).toFixed(1)} %` : `, ${sure.toFixed(2)} ahead by its own score`)),
        h("p", { class: "dim" }, `${wrong} of ${plural(others.length, "model")} ${wrong === 1 ? "gets" : "get"} it wrong`));
    }));
}
