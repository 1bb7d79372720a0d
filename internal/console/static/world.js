// Shows how often faults have fired, without the page being loaded again. Only what has changed is replaced, so that focus stays where it is.
"use strict";
async function look() {
  try {
    const answer = document.hidden ? null : await fetch("/world/faults", { headers: { Accept: "text/html" } });
    if (answer && answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const news = new Map(Array.from(fresh.querySelectorAll("[data-live]"), (cell) => [cell.dataset.live, cell]));
      for (const cell of document.querySelectorAll("[data-live]")) {
        const now = news.get(cell.dataset.live);
        if (now && !now.isEqualNode(cell)) cell.replaceWith(document.importNode(now, true));
      }
    }
  } catch {
    // Souk is away. The page shows what it was.
  }
  setTimeout(look, 2000);
}
setTimeout(look, 2000);
