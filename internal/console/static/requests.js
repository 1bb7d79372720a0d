// Puts new requests on top of the list as they come. Without JavaScript the list is complete all the same, as of when it was loaded.
"use strict";
(() => {
  const pause = document.getElementById("pause");
  const rows = document.getElementById("rows");
  const region = document.getElementById("requests");
  const following = document.getElementById("following");
  const blank = document.getElementById("row");
  if (!pause || !blank || !("EventSource" in window)) return;

  const most = 200; // rows that stay, and that wait
  const oldAttempts = 5;
  const address = new URL(pause.dataset.live, location.href);
  let last = Number(address.searchParams.get("after")); // sequence number of the newest request known here
  let waiting = []; // rows not shown yet, oldest first
  let gap = false; // some requests went by unseen
  let fresh = 0; // rows shown since the last summary
  let paused = false;
  let stream = null;

  const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const at = (row, path) => path.split(".").reduce((value, name) => value[name], row);

  function setLink(element, path) {
    if (path.startsWith("/")) element.setAttribute("href", path);
    else element.removeAttribute("href");
  }

  // The server writes times in UTC; what they are here is a matter for hovering over them.
  function showLocal(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!isNaN(date)) time.title = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    }
  }

  function attempt(path, text) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    setLink(link, path);
    link.textContent = text;
    item.append(link);
    return item;
  }

  // build fills the blank row. All text goes in as text.
  function build(row) {
    const tr = blank.content.firstElementChild.cloneNode(true);
    tr.dataset.seq = row.Seq;
    tr.dataset.key = row.Key;
    tr.dataset.summary = row.Summary;
    for (const part of tr.querySelectorAll("[data-part]")) {
      if (!at(row, part.dataset.part)) part.remove();
    }
    for (const element of tr.querySelectorAll("[data-text]")) element.textContent = at(row, element.dataset.text);
    for (const element of tr.querySelectorAll("[data-link]")) setLink(element, at(row, element.dataset.link));
    for (const element of tr.querySelectorAll("[data-tone]")) element.classList.add(at(row, element.dataset.tone));
    for (const time of tr.querySelectorAll("[data-time]")) {
      const moment = at(row, time.dataset.time);
      time.dateTime = moment.Machine;
      time.textContent = moment.Text;
    }
    showLocal(tr);
    tr.classList.add("new");
    return tr;
  }

  // put shows a row on top. An earlier attempt at the same call goes below it.
  function put(row) {
    const tr = build(row);
    const earlier = row.Key && [...rows.children].find((other) => other.dataset.key === row.Key);
    if (earlier) {
      const list = tr.querySelector("[data-list]");
      list.append(attempt(earlier.querySelector("[data-link=Path]").getAttribute("href"), earlier.dataset.summary));
      const older = earlier.querySelector(".attempts");
      if (older) list.append(...older.children);
      while (list.children.length > oldAttempts) list.lastElementChild.remove();
      earlier.remove();
    }
    rows.prepend(tr);
    while (rows.children.length > most) rows.lastElementChild.remove();
  }

  // Nothing moves under the feet of somebody who stands in the list with the keyboard.
  const still = () => paused || rows.contains(document.activeElement);

  function show() {
    if (still() || waiting.length === 0) return;
    document.getElementById("empty")?.remove();
    region.hidden = false;
    fresh += waiting.length;
    for (const row of waiting) put(row);
    waiting = [];
  }

  function say(text) {
    if (following.textContent !== text) following.textContent = text;
  }

  // summarize is heard by those who listen, so it says what happened at most every few seconds.
  function summarize() {
    const missed = gap ? " Some went by too fast to show: refresh to see all." : "";
    if (!stream || stream.readyState === EventSource.CLOSED) {
      if (!document.hidden) say("Not following: new requests show after a refresh.");
    } else if (stream.readyState === EventSource.CONNECTING) {
      say("Connection lost: trying again.");
    } else if (waiting.length > 0) {
      say((paused ? "Paused: " : "Held while you are in the list: ") + count(waiting.length, "new request") + (waiting.length === 1 ? " waits." : " wait.") + missed);
    } else if (paused) {
      say("Paused: nothing new so far." + missed);
    } else if (fresh > 0) {
      say(count(fresh, "new request") + "." + missed);
      fresh = 0;
    } else {
      say("Following: new requests come on top." + missed);
    }
  }

  function receive(event) {
    const news = JSON.parse(event.data);
    gap = gap || news.Gap;
    for (const row of news.Rows || []) {
      if (row.Seq > last || Number(event.lastEventId) < last) waiting.push(row); // a lower id: the server began anew
    }
    last = Number(event.lastEventId);
    if (waiting.length > most) {
      waiting = waiting.slice(-most);
      gap = true;
    }
    show();
  }

  // failed: a browser tries again by itself after a lost connection, and not after an answer such as "too many pages follow".
  function failed() {
    summarize();
    if (stream?.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      if (!document.hidden && stream?.readyState === EventSource.CLOSED) open();
    }, 20000);
  }

  function open() {
    address.searchParams.set("after", last);
    stream = new EventSource(address);
    stream.addEventListener("requests", receive);
    stream.addEventListener("open", summarize);
    stream.addEventListener("error", failed);
  }

  function close() {
    stream?.close();
    stream = null;
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    show();
    summarize();
  });
  rows.addEventListener("focusout", () => setTimeout(show)); // when the focus is where it goes
  // Browsers keep six connections to a server. Pages that nobody looks at let theirs go, and catch up later.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!stream) open();
  });

  showLocal(document);
  pause.hidden = false;
  if (!document.hidden) open();
  setInterval(summarize, 4000);
})();
