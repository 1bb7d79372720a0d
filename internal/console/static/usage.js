// Brings what the page says is still being added up, once it is there. Without it people load the page again.
"use strict";
let looks = 0;
const lacks = (part) => part.querySelector("[data-missing]") !== null;
const look = async () => {
  try {
    if (!document.hidden) {
      const answer = await fetch(location.href);
      const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
      for (const part of page ? document.querySelectorAll("[data-figure]") : []) {
        if (!lacks(part)) continue;
        const fresh = page.querySelector(`[data-figure="${part.dataset.figure}"]`);
        if (!fresh) part.remove(); // there is nothing of it
        else if (!lacks(fresh)) part.replaceWith(document.adoptNode(fresh));
      }
    }
  } catch { // the server is away: it is asked again
  }
  wait();
};
const wait = () => {
  if (lacks(document) && looks++ < 120) setTimeout(look, 750);
};
wait();
