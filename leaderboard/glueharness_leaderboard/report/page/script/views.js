// Views live in the hash, so that links, Back and bookmarks work: #board/NAME, #board/NAME/pair/A/B,
// #group/N, #run/ID, #unfinished.

function boardLink(board) {
  return `#board/${encodeURIComponent(board.id)}`;
}

function pairLink(board, a, b) {
  return `${boardLink(board)}/pair/${a}/${b}`;
}

function runLink(run) {
  return `#run/${encodeURIComponent(DATA.runs[run].id)}`;
}

function go(hash) {
  location.hash = hash;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// What the hash names; what it does not name is the first view.
function viewOf(hash) {
  const [kind, id, , a, b] = hash.slice(1).split("/").map(decoded);
  if (kind === "run") {
    const position = DATA.runs.findIndex((run) => run.id === id);
    if (position >= 0) return { kind, run: DATA.runs[position], position, board: DATA.boards[DATA.runs[position].board] };
  }
  if (kind === "unfinished") return { kind };
  if (kind === "group" && DATA.groups[Number(id)]) return { kind, group: DATA.groups[Number(id)] };
  if (kind === "board") {
    const board = DATA.boards.find((each) => each.id === id);
    if (board) {
      const known = (place) => (place !== undefined && board.rows[Number(place)] ? Number(place) : undefined);
      const pair = [known(a), known(b)];
      return { kind, board, pair: pair[0] === pair[1] || pair.includes(undefined) ? [] : pair };
    }
  }
  if (DATA.groups.length) return { kind: "group", group: DATA.groups[0] };
  if (DATA.boards.length === 1) return { kind: "board", board: DATA.boards[0], pair: [] };
  return { kind: "all" };
}

let current = {};

function render({ focus } = {}) {
  const view = viewOf(location.hash);
  const same = view.kind === "board" && current.kind === "board" && view.board === current.board;
  const before = current;
  current = view;
  if (same && before.section && view.pair.length) {
    view.section = before.section;
    before.section.show(...view.pair);
    if (!document.activeElement || document.activeElement === document.body)
      document.querySelector(`a[data-pair="${view.pair.join(" ")}"]`)?.focus();
    if (document.activeElement?.closest(".of-gap")) document.getElementById("pair").scrollIntoView({ block: "nearest" });
    return;
  }
  head(view);
  tabs(view);
  const main = document.getElementById("content");
  if (view.kind === "run") clear(main, runPage(view.run, view.position));
  else if (view.kind === "board") {
    view.section = pairsSection(view.board, view.pair);
    clear(main, boardSection(view.board), view.section,
      h("div", { class: "two" }, speedSection(view.board), curvesSection(view.board)));
  } else if (view.kind === "group") {
    const boards = DATA.boards;
    clear(main, groupSection(view.group), answersSection(boards));
  } else if (view.kind === "unfinished") clear(main, unfinishedSection());
  else clear(main, DATA.boards.length ? answersSection(DATA.boards) : emptySection());
  foot();
  document.title = [view.run ? `${view.run.id}` : view.board ? boardTitle(view.board) : view.group?.heading, DATA.title]
    .filter(Boolean).map(visible).join(" · ");
  if (!focus) return;
  if (view.kind === "run") document.getElementById("run-title").focus();
  else if (view.kind === "unfinished") document.getElementById("unfinished-title").focus();
  if (view.kind === "board" && view.pair.length) document.getElementById("pair")?.scrollIntoView();
  else if (view.kind !== before.kind || view.board !== before.board) scrollTo(0, 0);
}

function emptySection() {
  return h("section", {}, h("h2", {}, "No completed runs"),
    h("p", {}, "Make one and write the report again:"), h("pre", {}, h("code", {}, "glueharness run qnli")),
    DATA.unfinished.length || DATA.problems.length ? unfinishedSection() : null);
}

function tabs(view) {
  const links = [
    ...DATA.groups.map((group, at) => [`#group/${at}`, group.marks.length ? group.heading + ` ${group.marks.join(", ")}` : group.title, view.group === group]),
    ...DATA.boards.map((board) => [boardLink(board), `${markSign(board)} ${boardTitle(board)}`.trim(), view.board === board]),
  ];
  const list = h("ul", { onkeydown: alongTabs }, links.map(([href, label, now]) =>
    h("li", {}, h("a", { href, "aria-current": now ? "page" : null }, label))));
  const place = document.getElementById("tabs");
  const had = place.contains(document.activeElement);
  clear(place, links.length > 1 ? list : null);
  if (had) place.querySelector("a[aria-current]")?.focus();
}

function alongTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const links = [...event.currentTarget.querySelectorAll("a")];
  const next = links[links.indexOf(event.target) + step];
  if (!step || !next) return;
  event.preventDefault();
  go(next.getAttribute("href"));
}

function foot() {
  clear(document.getElementById("foot"),
    h("details", {}, h("summary", {}, "How to read this page"),
      h("p", {}, "May be the best: no other model is shown to be better, by a test on the same rows at the 5 % level, " +
        "corrected for the number of comparisons (Holm). It does not mean equal: the head says which differences would show."),
      h("p", {}, "Intervals are 95 % and allow for other rows, and with several seeds for other seeds. Boards never mix data: " +
        "what ran on the sample, on partial, limited or altered data, or from fresh weights has a board of its own.")),
    h("p", { class: "dim" }, "Keys: / filter, ← → between boards, arrows in the matrix, Esc back. Nothing on this page comes from the network or goes there. Made by ",
      h("code", {}, DATA.command), "."));
}

function onKey(event) {
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const filter = document.getElementById("filter");
    if (filter) {
      event.preventDefault();
      filter.focus();
    }
  }
  if (event.key !== "Escape") return;
  if (event.target.id === "filter") {
    stateOf(current.board).filter = "";
    render();
  } else if (current.kind === "run") go(boardLink(current.board));
}

function start() {
  addEventListener("hashchange", () => render({ focus: true }));
  addEventListener("keydown", onKey);
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the hash says which view is shown
    document.getElementById("content").focus();
  });
  render({ focus: Boolean(location.hash) });
}
