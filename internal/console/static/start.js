// Turns ticks green as Souk sees the steps happen. Without it the page shows them when it is loaded again.
"use strict";
const ladder = document.querySelector("[data-ladder]");
const text = document.getElementById("ladder-text");
const show = (state) => {
  for (const step of state.steps) {
    const row = document.getElementById("step-" + step.id);
    if (!row || row.classList.contains("done") === step.done) continue;
    row.classList.toggle("done", step.done);
    row.querySelector("[data-badge]").textContent = step.done ? "Done" : "To do";
    row.querySelector("[data-seen]").textContent = step.seen;
  }
  if (text.textContent !== state.text) text.textContent = state.text; // which screen readers say
  if (state.done) clearInterval(timer);
};
const look = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(ladder.dataset.ladder, { headers: { accept: "application/json" } });
    if (answer.ok) show(await answer.json());
  } catch { // the server is away: it is asked again
  }
};
const timer = setInterval(look, 2000);
document.addEventListener("visibilitychange", look);
