// "Open until 8pm", "Closed today, opens Wednesday 9am", from the opening hours of a branch; empty where the
// library does not say. `days` has the hours of each known day: [[start, end], ...] in seconds, or a text.

const weekday = new Intl.DateTimeFormat(site.language, { timeZone: "UTC", weekday: "long" });
const nextDay = (day) => new Date(Date.parse(`${day}T12:00Z`) + 864e5).toISOString().slice(0, 10);

function hoursText(days, now) {
  const today = local(now).day;
  const at = (epoch, end) => say("time.alone", { time: clock(epoch, end) });
  let end = 0;
  for (const day of Object.keys(days).sort()) {
    for (const span of Array.isArray(days[day]) ? days[day] : []) {
      // Hours that go on at midnight are one time.
      if (span[0] <= Math.max(now, end) && now < span[1]) end = Math.max(end, span[1]);
    }
  }
  if (end - now > 86400) return say("hours.around_the_clock");
  if (end) {
    const { day, hour } = local(end - 1);
    const tonight = day === today || (day === nextDay(today) && hour < 6);
    return say(tonight ? "hours.open" : "hours.open_to", { time: at(end, true), day: nameOf(day, today) });
  }
  const hours = days[today];
  if (!Array.isArray(hours)) return hours || "";
  for (let day = today; Array.isArray(days[day]); day = nextDay(day)) {
    const next = days[day].find((span) => span[0] > now);
    if (!next) continue;
    if (day === today) return say("hours.opens_at", { time: at(next[0]) });
    return say(hours.length ? "hours.closed_now.opens" : "hours.closed_today.opens", {
      day: nameOf(day, today), time: at(next[0]),
    });
  }
  return say(hours.length ? "hours.closed_now" : "hours.closed_today");
}

// The day of the week within six days, else the date.
function nameOf(day, today) {
  const near = Date.parse(day) - Date.parse(today) < 7 * 864e5;
  return near ? weekday.format(Date.parse(`${day}T12:00Z`)) : dayName(day);
}

// The same, with the time of the last answer if that is too old: LibCal or the runs fail.
function hoursNow({ id, days }, now) {
  const text = hoursText(days, now);
  const state = ((freshness && freshness.hours) || []).find((hours) => hours.id === id);
  const late = state && state.fetched && now - seconds(state.next_due) >= freshness.stale_after_minutes * 60;
  return late && text ? say("hours.as_of", { text, time: when(seconds(state.fetched), now) }) : text;
}
