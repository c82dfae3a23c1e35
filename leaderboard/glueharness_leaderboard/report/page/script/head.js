// The head: the sentence that answers "which one should I take?", its reasons, and the facts.

const MARKS = {
  sample: "⊗", partial: "◐", limited: "◔", altered: "△", fresh: "○", official: "●",
};

function markSign(board) {
  const first = board.marks[0];
  if (!first) return board.standing === "official" ? MARKS.official : "";
  return MARKS[first] || "△";
}

function markNames(board) {
  return board.marks.length ? board.marks.join(", ") : board.standing;
}

function boardTitle(board) {
  const same = DATA.boards.filter((other) => other.title === board.title);
  const marked = board.marks.length ? ` ${board.marks.join(", ")}` : "";
  const unlike = same.filter((other) => other.marks.join() === board.marks.join());
  const number = unlike.length > 1 ? ` (${unlike.indexOf(board) + 1})` : "";
  return board.title + marked + number;
}

function head(view) {
  const { board, group } = view;
  const what = board || group;
  const answer = board ? board.answer : group ? group.answers.join(" ") : "";
  const reasons = board ? board.reasons : group ? group.remarks : [];
  clear(
    document.getElementById("head"),
    h(
      "div",
      { class: "head" },
      h(
        "div",
        { class: "answer" },
        h("p", { class: "title" }, DATA.title),
        h("h1", { id: "answer" }, answer || plainAnswer(view)),
        reasons.length ? h("ul", { class: "reasons" }, reasons.map((line) => h("li", {}, line))) : null,
      ),
      facts(view, what),
    ),
  );
}

function plainAnswer({ board, group }) {
  if (board) return board.plain;
  if (group) return group.plain;
  if (!DATA.boards.length) return DATA.nothing;
  return `${plural(DATA.boards.length, "board")}, and what each says.`;
}

function fact(term, ...values) {
  return h("div", { class: "fact" }, h("dt", {}, term), h("dd", {}, ...values));
}

function importedFact(boards) {
  const runs = boards.flatMap((each) => each.rows.flatMap((row) => row.runs));
  const imported = runs.filter((run) => DATA.runs[run].imported).length;
  if (!imported) return null;
  return fact("Imported", `${imported} of ${plural(runs.length, "run")}: nobody has seen these numbers computed here`);
}

function facts({ board, group }, what) {
  const boards = board ? [board] : DATA.boards;
  const rows = boards.reduce((sum, each) => sum + each.rows.length, 0);
  const runs = boards.reduce(
    (sum, each) => sum + each.rows.reduce((inner, row) => inner + row.runs.length, 0), 0);
  const models = new Set(boards.flatMap((each) => each.rows.map((row) => row.model))).size;
  const compared = [
    plural(models, "model"),
    rows > models && board ? plural(rows, "row") : null,
    plural(runs, "run"),
    board ? null : plural(new Set(boards.map((each) => each.task)).size, "task"),
  ].filter(Boolean);
  return h(
    "dl",
    { class: "facts" },
    fact("Compared", compared.join(", ")),
    board ? fact("Data", `${markSign(board)} `, h("b", {}, markNames(board)), ` · ${board.heading}`) : null,
    board
      ? board.splits.map(([splitName, role, used, , , fingerprint]) =>
          fact(role === "dev" ? "Scored on" : "Learnt from",
               `${splitName}, ${count(used)} rows `, h("code", {}, fingerprint)))
      : group && what.marks.length
        ? fact("Data", what.marks.join(", "))
        : null,
    board || group ? fact("Test", "by row, and by seed where there are seeds; Holm’s correction") : null,
    importedFact(boards),
    DATA.unfinished.length
      ? fact("Left out", h("a", { href: "#unfinished" }, plural(DATA.unfinished.length, "unfinished run")))
      : null,
    DATA.archived ? fact("Archived", `${plural(DATA.archived, "run")}, left out, too`) : null,
    DATA.problems.length
      ? fact("Problems", h("a", { href: "#unfinished" }, plural(DATA.problems.length, "folder or file") + " could not be read"))
      : null,
    fact("Made", `${DATA.made.slice(0, 16).replace("T", " ")} UTC, glueharness ${DATA.version}`),
  );
}
