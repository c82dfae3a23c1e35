// Everything that is shown passes through `visible` into a text node; there is no other way to
// put a text on the page, so that no text can be markup, and none can hide or turn its neighbours.

const NAMES = { 0: "NUL", 7: "BEL", 8: "BS", 9: "TAB", 10: "LF", 13: "CR", 27: "ESC", 127: "DEL" };
// Controls, bidirectional marks and controls, line separators, unseen letters, lone surrogates.
const UNSEEN = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|" +
    "(?<![\\ud800-\\udbff])[\\udc00-\\udfff]",
  "g",
);

function visible(text) {
  return String(text).replace(UNSEEN, (sign) => {
    const code = sign.charCodeAt(0);
    return `‹${NAMES[code] || `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}›`;
  });
}

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set([
  "svg", "g", "line", "circle", "rect", "path", "polyline", "text", "title", "pattern", "defs",
]);

// An element. Attributes that begin with "on" are listeners; false and null are left out.
function h(tag, attributes, ...children) {
  const made = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : visible(value));
  }
  add(made, children);
  return made;
}

function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return parent;
}

// A name from a file: its letters may run from right to left, those around it must not.
function name(text, attributes) {
  return h("bdi", attributes, text);
}

function clear(parent, ...children) {
  parent.replaceChildren();
  return add(parent, children);
}

const MINUS = "−";
const NOTHING = "–";

function points(fraction, digits = 2) {
  return fraction === null || fraction === undefined
    ? NOTHING
    : (100 * fraction).toFixed(digits).replace("-", MINUS);
}

// A difference that is in points already.
function signed(value, digits = 1) {
  if (value === null || value === undefined) return NOTHING;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value > 0 ? "+" : MINUS) + text;
}

function count(value) {
  return value.toLocaleString("en-US");
}

function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many || `${one}s`}`;
}

function large(value) {
  if (value === null || value === undefined) return NOTHING;
  for (const [size, unit] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]])
    if (value >= size) return `${Number((value / size).toPrecision(value >= 100 * size ? 3 : 2))}${unit}`;
  return String(Math.round(value));
}

function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function copyButton(text, label) {
  const said = h("span", { class: "said", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      clear(said, "copied");
    } catch {
      clear(said, "not allowed here: select the text and copy it");
    }
  };
  return h("span", { class: "copy" }, h("button", { type: "button", onclick: copy }, label), said);
}
