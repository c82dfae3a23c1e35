// Learning curves: small multiples on equal axes, every seed, the epoch that was kept, losses below.

const CURVES = 12;

function curvesSection(board) {
  const rows = board.rows.filter((row) => row.runs.some((run) => DATA.runs[run].history?.scores.length > 1));
  if (!rows.length) return null;
  const listed = rows.slice(0, CURVES);
  const of = (runs, key) => runs.flatMap((run) => DATA.runs[run].history?.[key] || []);
  const runs = listed.flatMap((row) => row.runs);
  const most = Math.max(...of(runs, "epochs"));
  const [low, high] = ends(of(runs, "scores"));
  const kinds = lossKinds(runs);
  const [lossLow, lossHigh] = lossEnds(kinds.flatMap(([key]) =>
    runs.flatMap((run) => DATA.runs[run].history?.losses[key] || [])));
  const options = { score: { low, high, most, height: 84 }, loss: { low: lossLow, high: lossHigh, most, height: 44 } };
  return h("section", { class: "curves", "aria-labelledby": "curves-title" },
    h("h2", { id: "curves-title" }, "Learning curves"),
    h("p", { class: "lead" },
      (rows.length > CURVES ? `The ${CURVES} best with curves. ` : "") +
      `Dev score by epoch, 1 to ${most}, all on the same axes (${points(low, 1)} to ${points(high, 1)}); a ring is the epoch that is scored.` +
      (kinds.length ? ` Below: ${kinds.map(([, label]) => label).join(", ")} (${lossLow.toPrecision(2)} to ${lossHigh.toPrecision(2)}).` : "")),
    h("div", { class: "multiples" }, listed.map((row) => multiple(row, options, kinds))));
}

// Low and high of losses, with some air, but not below 0 where none is.
function lossEnds(values) {
  const [low, high] = ends(values);
  return [values.some((value) => value < 0) ? low : Math.max(0, low), high];
}

// The losses that the records tell of, and how each is drawn.
function lossKinds(runs) {
  const told = (key) => runs.some((run) => DATA.runs[run].history?.losses[key]?.some((value) => value !== null));
  return [["loss", "training loss"], ["dev_loss", "dev loss (dashed)"]].filter(([key]) => told(key));
}

function series(row, pick, kind) {
  return row.runs
    .map((run) => DATA.runs[run].history)
    .filter((history) => history && pick(history))
    .map((history) => ({ epochs: history.epochs, values: pick(history), kind }));
}

function keptEpoch(run) {
  const { history, score } = DATA.runs[run];
  if (!history || score === null) return null;
  const at = history.scores.findIndex((value) => value !== null && Math.abs(value - score) < 1e-6);
  return at < 0 ? null : [history.epochs[at], history.scores[at]];
}

function multiple(row, options, kinds) {
  const kept = row.runs.map(keptEpoch).filter(Boolean);
  const epochs = [...new Set(kept.map(([epoch]) => epoch))].sort((a, b) => a - b);
  return h("figure", { class: row.tied ? "tied" : null },
    h("figcaption", {}, name(shortName(row.model)[0], { class: "model" }),
      row.note ? h("span", { class: "sub" }, row.note) : null,
      h("span", { class: "sub" }, kept.length ? `scored: epoch ${epochs.join(", ")}` : "")),
    lines(series(row, (history) => history.scores, row.tied ? "tied" : ""), { ...options.score, kept }),
    kinds.length
      ? lines(kinds.flatMap(([key]) => series(row, (history) => history.losses[key], key)), options.loss)
      : null);
}
