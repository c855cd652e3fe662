// Lists and event pages, after site.js: reads status.json once, and updates the page every minute.

// The tag of an event that is on now: with its end, if that is known and less than 12 hours away.
function nowText(event, now) {
  const allDay = !event.querySelector("time").dateTime.includes("T");
  const end = Number(event.dataset.end);
  if (allDay || !end || end - now > 12 * 3600) return say("status.now");
  return say("status.now_until", { time: say("time.alone", { time: clock(end, true) }) });
}

function retag(tag, status, text) {
  tag.className = `tag ${status}`;
  if (tag.textContent !== text) tag.textContent = text;
}

// Only once: a newer status would not make the events on this page newer.
let fetching = null;
function fetchFreshness() {
  fetching = fetching || readFreshness();
  return fetching;
}

async function readFreshness() {
  try {
    const answer = await fetch(site.status, { cache: "no-store" });
    if (answer.ok) freshness = await answer.json();
    showFreshness(Date.now() / 1000);
  } catch {
    // Offline: the page does not show its age.
    fetching = null;
  }
}

// Calls `show` with the time: now, at each full minute, and when the page comes back into view.
function everyMinute(show) {
  let timer;
  const tick = () => {
    clearTimeout(timer);
    timer = setTimeout(tick, 60_000 - (Date.now() % 60_000));
    const now = Date.now() / 1000;
    show(now);
    showFreshness(now);
  };
  addEventListener("pageshow", tick);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
  tick();
}

if (document.readyState === "complete") fetchFreshness();
else addEventListener("load", fetchFreshness);
