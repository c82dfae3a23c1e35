// Speed against score: log x, one mark a row; only speeds of one machine may be compared.

function speedSection(board) {
  const rows = board.rows.filter((row) => row.speed && row.score !== null);
  if (rows.length < 2) return null;
  const machines = new Map();
  rows.forEach((row) => machines.set(row.machine, (machines.get(row.machine) || 0) + 1));
  const usual = [...machines].sort((a, b) => b[1] - a[1])[0][0];
  const logs = rows.map((row) => Math.log10(row.speed));
  const x = scale(...ends(logs, 0.12));
  const [low, high] = ends(rows.map((row) => row.score), 0.12);
  const y = scale(high, low);
  const best = pareto(rows.filter((row) => row.machine === usual));
  const yTicks = ticks(100 * low, 100 * high, 5);
  return h("section", { class: "speeds", "aria-labelledby": "speed-title" },
    h("h2", { id: "speed-title" }, "Speed and score"),
    h("p", { class: "lead" },
      `Dev rows scored in a second (logarithmic) against ${board.metric}. The line joins those that none is both quicker and better than` +
      (machines.size > 1 ? `, on ${usual || "the usual machine"}; squares ran on another machine, where speeds are no comparison.` : usual ? `, on ${usual}.` : ".")),
    h("svg", { class: "scatter", height: 320, role: "img", "aria-label": `Speed and score of ${rows.length} models; the table above has the numbers` },
      yTicks.map((value) => [
        h("line", { class: "grid", x1: "0%", x2: "100%", y1: y(value / 100), y2: y(value / 100) }),
        h("text", { x: "0%", y: y(value / 100), dy: -3 }, tickText(value, yTicks))]),
      logTicks(x.low, x.high).map((value) =>
        h("text", { x: x(Math.log10(value)), y: "100%", dy: -3, "text-anchor": "middle" }, large(value))),
      best.slice(1).map((row, at) => h("line", { class: "pareto",
        x1: x(Math.log10(best[at].speed)), y1: y(best[at].score), x2: x(Math.log10(row.speed)), y2: y(row.score) })),
      rows.map((row) => speedMark(row, x(Math.log10(row.speed)), y(row.score), row.machine === usual)),
      speedLabels(rows, best, x, y)));
}

// Those that no other is quicker and better than, the quickest first.
function pareto(rows) {
  const found = [];
  for (const row of [...rows].sort((a, b) => b.speed - a.speed || b.score - a.score))
    if (!found.length || row.score > found[found.length - 1].score) found.push(row);
  return found;
}

function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1)
    for (const step of high - low > 1.5 ? [1] : [1, 2, 5]) {
      const value = step * 10 ** power;
      if (Math.log10(value) > low && Math.log10(value) < high) found.push(value);
    }
  return found;
}

function speedMark(row, x, y, same) {
  const title = h("title", {}, `${rowLabel(row)}: ${points(row.score)}, ${count(Math.round(row.speed))} rows a second`);
  const kind = row.tied ? "dot filled" : "dot";
  return same
    ? h("circle", { class: kind, cx: x, cy: y, r: 5 }, title)
    : h("svg", { x, y, overflow: "visible" }, h("rect", { class: kind, x: -4.5, y: -4.5, width: 9, height: 9 }, title));
}

// Names beside the marks that matter, none over another.
function speedLabels(rows, best, x, y) {
  const taken = [];
  const wanted = [...best, ...rows.filter((row) => row.tied && !best.includes(row))];
  return wanted.map((row) => {
    const [left, top] = [x.place(Math.log10(row.speed)), y.place(row.score)];
    const end = left > 70;
    const clash = taken.some(([l, t]) => Math.abs(l - left) < 22 && Math.abs(t - top) < 6);
    if (clash) return null;
    taken.push([left, top]);
    const short = shortName(row.model)[0];
    return h("text", { class: "label", x: `${left}%`, y: `${top}%`, dx: end ? -9 : 9, dy: 4, "text-anchor": end ? "end" : "start" },
      short.length > 28 ? `${short.slice(0, 27)}…` : short);
  });
}
