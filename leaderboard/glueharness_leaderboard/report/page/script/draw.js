// Small drawings. Places along x are percent of the width, so that a drawing fits any room and
// prints sharp without being drawn again.

function scale(low, high) {
  const span = high - low || 1;
  const place = (value) => (100 * (value - low)) / span;
  return Object.assign((value) => `${place(value).toFixed(2)}%`, { place, low, high });
}

// Round numbers between two ends, about as many as asked for.
function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at += 1)
    found.push(at * step);
  return found;
}

function tickText(value, all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : 1;
  const digits = Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(digits).replace("-", MINUS);
}

// Low and high of numbers, with some air.
function ends(values, air = 0.06) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return [0, 1];
  const low = Math.min(...known);
  const high = Math.max(...known);
  const more = (high - low) * air || 0.01;
  return [low - more, high + more];
}

// A score with its interval and the scores of its seeds; all in fractions.
function whisker(x, { score, interval, seeds, filled }, label) {
  const inside = (value) => Math.min(Math.max(value, x.low), x.high);
  const marks = [];
  if (score < x.low || score > x.high) {
    const left = score < x.low;
    return h(
      "span",
      { class: left ? "off" : "off right" },
      left ? `◂ ${points(score, 1)} is off this axis` : `${points(score, 1)} is off this axis ▸`,
    );
  }
  marks.push(h("line", { class: "base", x1: "0%", x2: "100%", y1: 11, y2: 11 }));
  if (interval)
    marks.push(
      h("line", { class: "interval", x1: x(inside(interval[0])), x2: x(inside(interval[1])),
                  y1: 11, y2: 11 }),
    );
  if (seeds && seeds.length > 1)
    for (const seed of seeds)
      if (seed !== null && seed >= x.low && seed <= x.high)
        marks.push(h("circle", { class: "seed", cx: x(seed), cy: 18.5, r: 1.8 }));
  marks.push(h("circle", { class: filled ? "dot filled" : "dot", cx: x(score), cy: 11, r: 4.5 }));
  return h("svg", { class: "whisker", role: "img", "aria-label": label, height: 22 }, marks);
}

// Lines over epochs, one a seed. Places along x and y are percent.
function lines(series, { low, high, most, height, kept }) {
  const x = scale(0.5, most + 0.5);
  const y = scale(high, low); // upside down
  const marks = ticks(low, high, 2).map((value) =>
    h("line", { class: "grid", x1: "0%", x2: "100%", y1: y(value), y2: y(value) }),
  );
  for (const { epochs, values, kind } of series) {
    for (let at = 1; at < values.length; at += 1)
      if (values[at] !== null && values[at - 1] !== null)
        marks.push(
          h("line", { class: `curve ${kind}`, x1: x(epochs[at - 1]), x2: x(epochs[at]),
                      y1: y(values[at - 1]), y2: y(values[at]) }),
        );
    if (values.length === 1 && values[0] !== null)
      marks.push(h("circle", { class: `point ${kind}`, cx: x(epochs[0]), cy: y(values[0]), r: 2.5 }));
  }
  for (const [epoch, value] of kept || [])
    if (value !== null)
      marks.push(h("circle", { class: "kept", cx: x(epoch), cy: y(value), r: 3.5 }));
  return h("svg", { class: "lines", height, "aria-hidden": "true" }, marks);
}
