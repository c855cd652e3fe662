"use strict";
// Shared by all pages: the time of day in the library's zone, and the age of the page. In ES2017, since screens use
// it with the browsers of old televisions.

const site = JSON.parse(document.getElementById("site").textContent);

const say = (key, values = {}) => site.texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

const longDay = new Intl.DateTimeFormat(site.language, {
  timeZone: "UTC", weekday: "long", month: "long", day: "numeric",
});
const dayName = (day) => longDay.format(Date.parse(`${day}T12:00Z`));

// Seconds since 1970 -> local time at the library: {day: "2026-03-03", hour: 9, minute: "05"}. The offsets from
// UTC come with the page: a browser may be older than the name of the zone.
function local(epoch) {
  let offset = site.offsets[0][1];
  for (const [from, other] of site.offsets) if (from <= epoch) offset = other;
  const [day, time] = new Date((Number(epoch) + offset) * 1000).toISOString().split("T");
  return { day, hour: Number(time.slice(0, 2)), minute: time.slice(3, 5) };
}

// The same text as scripts/rendering/dates.py: "10:30am", "noon"; an end at midnight is the end of the day.
function clock(epoch, end = false) {
  const { hour, minute } = local(epoch);
  const at = `${hour}:${minute}`;
  if (end && (at === "0:00" || at === "23:59")) return say("midnight.end");
  if (say("clock") === "24") return say("time.24", { hour, minute });
  if (at === "0:00" || at === "12:00") return say(hour ? "noon" : "midnight");
  const period = say(hour < 12 ? "am" : "pm");
  return say(minute === "00" ? "time.hour" : "time.minute", { hour: hour % 12 || 12, minute, period });
}

// An event without an end counts as an hour long.
function ending(event) {
  return Number(event.dataset.end) || Number(event.dataset.start) + 3600;
}

// A stop-by program has several days, in data-days: takes the one that is on or comes next, else the last.
function takeDay(event, now) {
  if (!event.dataset.days) return;
  const spans = event.dataset.days.split(" ").map((span) => span.split("-"));
  const [start, end] = spans.find((span) => now < span[1]) || spans[spans.length - 1];
  event.dataset.start = start;
  event.dataset.end = end;
}

// "before", "now" or "ended".
function phase(event, now) {
  takeDay(event, now);
  if (now < Number(event.dataset.start)) return "before";
  return now < ending(event) ? "now" : "ended";
}

// Whether an event is on. At which hours an all-day event or one of several days is on, its data do not say.
function isOn(event, now) {
  const timed = event.querySelector("time").dateTime.includes("T");
  return phase(event, now) === "now" && timed && ending(event) - Number(event.dataset.start) <= 86400;
}

let freshness = null;

const seconds = (time) => Date.parse(time) / 1000;

function when(epoch, now) {
  const time = clock(epoch);
  if (local(epoch).day === local(now).day) return say("time.alone", { time });
  return say("when", { day: dayName(local(epoch).day), times: time });
}

function showFreshness(now) {
  const updated = document.getElementById("updated");
  if (!freshness || !freshness.fetched || !updated) return;
  updated.textContent = say("updated", { time: when(seconds(freshness.fetched), now) });

  // A calendar is late relative to the run that was due, so not on a Sunday.
  const late = freshness.calendars.filter(
    (calendar) => now - seconds(calendar.next_due) >= freshness.stale_after_minutes * 60,
  );
  const text = late.length ? staleText(late, now) : "";
  // A calendar that was never fetched may have events.
  const unfetched = freshness.calendars.filter((calendar) => calendar.stale && !calendar.fetched);
  const notice = document.getElementById("stale");
  notice.textContent = unfetched.length ? `${text} ${say("unfetched", { names: namesOf(unfetched) })}` : text;
  notice.hidden = !notice.textContent;
}

const namesOf = (calendars) => calendars.map((calendar) => calendar.name).join(", ");

// The notice for calendars whose events are old.
function staleText(late, now) {
  const oldest = late.reduce((a, b) => (seconds(a.fetched) < seconds(b.fetched) ? a : b));
  const names = late.length < freshness.calendars.length ? namesOf(late) : "";
  const overdue = now - seconds(oldest.next_due) >= 24 * 3600;
  const fetched = seconds(oldest.fetched);
  return say((overdue ? "stale.day" : "stale") + (names && ".some"), {
    names, time: when(fetched, now), day: dayName(local(fetched).day),
  });
}
