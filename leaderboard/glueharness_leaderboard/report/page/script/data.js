// The data of the page, and what follows from them by counting.

const DATA = JSON.parse(document.getElementById("data").textContent);

DATA.boards.forEach((board, position) => {
  board.position = position;
  board.rows.forEach((row, place) => {
    row.place = place;
    row.letter = letter(place);
    row.several = board.rows.some((other) => other !== row && other.model === row.model);
    row.runs.forEach((run) => Object.assign(DATA.runs[run], { board: position, row: place }));
  });
  board.pairOf = new Map((board.pairs?.list || []).map((pair) => [`${pair[0]} ${pair[1]}`, pair]));
});

// A, B … Z, AA, as `compare` names them.
function letter(place) {
  let found = "";
  for (let rest = place + 1; rest; rest = Math.floor((rest - 1) / 26))
    found = String.fromCharCode(65 + ((rest - 1) % 26)) + found;
  return found;
}

// hf:google/bert → bert, with what stood before it.
function shortName(model) {
  const cut = Math.max(model.lastIndexOf("/"), model.lastIndexOf(":")) + 1;
  return cut > 0 && cut < model.length ? [model.slice(cut), model.slice(0, cut)] : [model, ""];
}

// The difference of two rows in points, seen from the first; null where it was not tested.
function pairOf(board, a, b) {
  const [first, second] = a < b ? [a, b] : [b, a];
  const found = board.pairOf.get(`${first} ${second}`);
  if (!found) return null;
  const [, , value, low, high, verdict, form, ...words] = found;
  const sign = a < b ? 1 : -1;
  return {
    value: value === null ? null : sign * value,
    low: low === null ? null : sign === 1 ? low : -high,
    high: high === null ? null : sign === 1 ? high : -low,
    real: verdict === 0,
    verdict,
    sentence: { form: board.pairs.forms[form], words, first, second },
  };
}

function unpack(text, packing) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const rows = packing.rows;
  if (packing.bits === 16) {
    const span = (packing.high - packing.low || 1) / 65535;
    return Float64Array.from(
      { length: rows },
      (_, row) => packing.low + span * (256 * bytes[2 * row] + bytes[2 * row + 1]),
    );
  }
  const found = new Uint16Array(rows);
  for (let row = 0, bit = 0; row < rows; row += 1)
    for (let each = 0; each < packing.bits; each += 1, bit += 1)
      found[row] = 2 * found[row] + ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1);
  return found;
}

const unpacked = new Map();

// The true values of a board, one array a split.
function truthOf(board) {
  const key = `truth ${board.position}`;
  if (!unpacked.has(key))
    unpacked.set(key, board.truth.splits.map((split) => unpack(split.values, split)));
  return unpacked.get(key);
}

// What a run predicted, one array a split; null where the page does not hold it.
function predictionsOf(board, run) {
  const packed = DATA.runs[run].predictions;
  if (!packed) return null;
  if (!unpacked.has(run))
    unpacked.set(run, packed.map((text, place) => unpack(text, board.truth.splits[place])));
  return unpacked.get(run);
}

function isRegression(board) {
  return board.truth.labels.length === 0;
}

// How a row of the board does on each row of the data, one array a split: the share of its runs
// that are right, or its mean absolute error. Null where a run's predictions are not here.
function doing(board, row) {
  const key = `doing ${board.position} ${row.place}`;
  if (!unpacked.has(key)) {
    const runs = row.runs.map((run) => predictionsOf(board, run));
    unpacked.set(
      key,
      runs.includes(null)
        ? null
        : truthOf(board).map((truth, split) => {
            const found = new Float64Array(truth.length);
            for (const run of runs)
              run[split].forEach((value, place) => {
                found[place] +=
                  (isRegression(board)
                    ? Math.abs(value - truth[place])
                    : Number(value === truth[place])) / runs.length;
              });
            return found;
          }),
    );
  }
  return unpacked.get(key);
}

// Rows of the data: [split, place] of all of them.
function* placesOf(board) {
  for (const [split, { rows }] of board.truth.splits.entries())
    for (let place = 0; place < rows; place += 1) yield [split, place];
}

// The number that a row has in its file, with the split's name where there are several.
function rowName(board, split, place) {
  const { name: splitName, numbers } = board.truth.splits[split];
  const number = numbers ? numbers[place] : place;
  return board.truth.splits.length > 1 ? `${splitName} ${number}` : String(number);
}

function valueName(board, value) {
  return isRegression(board) ? value.toFixed(2) : board.truth.labels[value];
}
