// Gives each cell the name of its column, for the narrow form of tables in tables.css.
document$.subscribe(() => {
  for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.children].forEach((cell, place) => {
        if (names[place]) cell.dataset.label = names[place];
      });
    }
    table.dataset.stacked = "";
  }
});
