// A group of tasks: a row a model, a cell a task; and what each board says.

function groupSection(group) {
  const boardsOf = new Map();
  for (const row of group.rows)
    for (const [task, [position]] of Object.entries(row.tasks)) boardsOf.set(task, DATA.boards[position]);
  const axes = new Map([...boardsOf].map(([task, board]) => [task, scale(...ends(
    board.rows.flatMap((row) => [row.score, ...(row.interval || [])]), 0.05))]));
  const scored = group.rows.some((row) => row.score !== null);
  return h("section", { class: "group", "aria-labelledby": "group-title" },
    h("h2", { id: "group-title" }, `${group.heading}: all tasks, a row a model`),
    group.notes.map((line) => h("p", { class: "note" }, line)),
    h("p", { class: "lead" },
      "A filled dot: may be the best on that task. Small figures: the ranks that the model may have. " +
      `Each task has its own axis.${scored ? "" : ` ${group.tasks.length} of ${group.total} tasks are here, so there is no ${group.title} score.`}`),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Scores of all tasks" },
      h("table", { class: "grouped" },
        h("thead", {}, h("tr", {},
          h("th", { scope: "col" }, "Model"),
          scored ? h("th", { scope: "col" }, "Score") : null,
          group.tasks.map((task) => {
            const board = boardsOf.get(task);
            return h("th", { scope: "col" }, h("a", { href: boardLink(board) }, board.title),
              h("span", { class: "sub" }, board.metric));
          }))),
        h("tbody", {}, group.rows.map((row) => groupRow(group, row, axes, scored))))));
}

function groupRow(group, row, axes, scored) {
  const [short, before] = shortName(row.model);
  return h("tr", { class: row.tied ? "tied" : null },
    h("th", { scope: "row" }, name(short, { class: "model" }), before ? h("span", { class: "sub" }, name(before)) : null),
    scored
      ? h("td", { class: "total" }, h("b", {}, row.score === null ? NOTHING : points(row.score, 1)),
          row.rank ? h("span", { class: "sub" }, `rank ${rankText(row.rank)}`) : null,
          row.score === null ? h("span", { class: "sub" }, `${Object.keys(row.tasks).length} of ${group.total}`) : null)
      : null,
    group.tasks.map((task) => {
      const place = row.tasks[task];
      if (!place) return h("td", {}, h("span", { class: "dim" }, "not run"));
      const found = DATA.boards[place[0]].rows[place[1]];
      if (found.score === null) return h("td", {}, h("span", { class: "dim" }, "no score"));
      return h("td", { class: found.tied ? "best" : null },
        h("a", { class: "plain", href: runLink(found.runs[0]) }, h("b", {}, points(found.score, 1))),
        h("span", { class: "dim" }, ` ${rankText(found.rank)}`),
        whisker(axes.get(task), { score: found.score, interval: found.interval, filled: found.tied },
          `${points(found.score, 1)}, ranks ${rankText(found.rank)}`));
    }));
}

function answersSection(boards) {
  return h("section", { class: "answers", "aria-labelledby": "answers-title" },
    h("h2", { id: "answers-title" }, "What each board says"),
    h("ul", { class: "says" }, boards.map((board) =>
      h("li", {},
        h("a", { href: boardLink(board) }, h("b", {}, boardTitle(board))), " ",
        h("span", { class: "dim" }, `${markSign(board)} ${markNames(board)}, ${plural(board.rows.length, "model")}`),
        h("p", {}, board.answer || plainAnswer({ board })),
        board.reasons.length ? h("p", { class: "dim" }, board.reasons[0]) : null))));
}

function unfinishedSection() {
  const { unfinished, problems } = DATA;
  return h("section", { class: "unfinished", "aria-labelledby": "unfinished-title" },
    h("h2", { id: "unfinished-title", tabindex: -1 }, "Left out of the boards"),
    unfinished.length
      ? h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Unfinished runs" },
          h("table", { class: "plain" },
            h("thead", {}, h("tr", {}, ["Run", "Task", "Model", "Seed", "State", "Epochs", "Error"].map((text) => h("th", { scope: "col" }, text)))),
            h("tbody", {}, unfinished.map((run) => h("tr", {},
              h("th", { scope: "row" }, name(run.id)), h("td", {}, run.task), h("td", {}, name(run.model)),
              h("td", {}, run.seed), h("td", {}, run.state), h("td", {}, run.epochs), h("td", {}, run.error || NOTHING))))))
      : problems.length ? null : h("p", {}, "Every run is complete."),
    problems.length ? [h("h3", {}, "What could not be read"), h("ul", {}, problems.map((text) => h("li", {}, text)))] : null);
}
