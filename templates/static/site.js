"use strict";
// Shared by all pages: the time of day in the library's zone, and the age of the page.

const site = JSON.parse(document.getElementById("site").textContent);

const say = (key, values = {}) => site.texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

const zoned = new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
  timeZone: site.zone, hourCycle: "h23",
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
});
const longDay = new Intl.DateTimeFormat(site.language, {
  timeZone: site.zone, weekday: "long", month: "long", day: "numeric",
});

// Seconds since 1970 -> local time at the library: {day: "2026-03-03", hour: 9, minute: "05"}.
function local(epoch) {
  const part = {};
  for (const { type, value } of zoned.formatToParts(epoch * 1000)) part[type] = value;
  return { day: `${part.year}-${part.month}-${part.day}`, hour: Number(part.hour), minute: part.minute };
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

// "before", "now" or "ended".
function phase(event, now) {
  if (now < Number(event.dataset.start)) return "before";
  return now < ending(event) ? "now" : "ended";
}

let freshness = null;

const seconds = (time) => Date.parse(time) / 1000;

function when(epoch, now) {
  const time = clock(epoch);
  if (local(epoch).day === local(now).day) return say("time.alone", { time });
  return say("when", { day: longDay.format(epoch * 1000), times: time });
}

function showFreshness(now) {
  const updated = document.getElementById("updated");
  if (!freshness?.fetched || !updated) return;
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
    names, time: when(fetched, now), day: longDay.format(fetched * 1000),
  });
}
