// What a page for browsing does of itself, after site.js: it asks once how fresh it is, and looks at the clock.

// What is going on is marked "now"; until when, if that is today and LibCal has told us.
function nowText(event, now) {
  const allDay = !event.querySelector("time").dateTime.includes("T");
  const end = Number(event.dataset.end);
  if (allDay || !end || end - now > 12 * 3600) return say("status.now");
  return say("status.now_until", { time: say("time.alone", { time: clock(end, true) }) });
}

function retag(tag, code, text) {
  tag.className = `tag ${code}`;
  if (tag.textContent !== text) tag.textContent = text;
}

// Once a page: the list in it is no fresher than the status of when it was loaded.
async function fetchFreshness() {
  try {
    const answer = await fetch(site.status, { cache: "no-store" });
    if (answer.ok) freshness = await answer.json();
    showFreshness(Date.now() / 1000);
  } catch {
    // Offline: the page says nothing of its age rather than something wrong.
  }
}

// Calls `show` with the time now, at each full minute, and whenever the page comes back into view.
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
