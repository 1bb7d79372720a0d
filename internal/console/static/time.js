// Says the local time when the pointer rests on one in UTC, also on those that other scripts bring.
"use strict";
document.addEventListener("pointerover", (event) => {
  const time = event.target.closest("time[datetime*=T]");
  if (!time || time.title) return;
  const date = new Date(time.dateTime);
  if (!isNaN(date)) time.title = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
});
