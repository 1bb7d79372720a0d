// Counts the final hour down as the market's clock has it, which may stand still or be moved: so the server is asked, and nothing is counted here.
"use strict";
const notice = document.querySelector("[data-final-hour]");
if (notice) {
  const left = notice.querySelector("[data-left]");
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(notice.dataset.finalHour, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      const news = await answer.json();
      if (news.left === "") {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", look);
        notice.firstElementChild.textContent = "The final hour is over: no more usage records are taken. Load the page again to see how the agreement is now.";
        notice.setAttribute("role", "status");
      } else if (left.textContent !== news.left) {
        left.textContent = news.left;
      }
    } catch { // the server is away: it is asked again
    }
  };
  const timer = setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
}
