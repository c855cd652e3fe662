
// The page of one event.
const event = document.getElementById("event");
let tag = event.querySelector(".tag");
const keepsTag = event.matches(".off") || tag && !tag.matches(".required, .few-left, .full, .waiting-list, .closed, .not-open, .online-left, .in-person-left");
const calledOff = keepsTag && !(tag && tag.matches(".library-closed"));

// "Today, in 2 hours", up to two weeks ahead; empty while the data are old, since the time may have changed.
function distance(now) {
  const start = Number(event.dataset.start), stale = !document.getElementById("stale").hidden;
  if (calledOff || stale || start <= now || !Intl.RelativeTimeFormat) return "";
  const words = new Intl.RelativeTimeFormat(site.language, { numeric: "auto" });
  const days = (Date.parse(local(start).day) - Date.parse(local(now).day)) / 864e5;
  if (days > 13) return "";
  if (days || !event.querySelector("time").dateTime.includes("T")) return words.format(days, "day");
  const minutes = Math.ceil((start - now) / 60);
  return say("today", { day: minutes < 60 ? words.format(minutes, "minute") : words.format(Math.round(minutes / 60), "hour") });
}

everyMinute((now) => {
  const state = phase(event, now);
  const relative = document.getElementById("in");
  relative.textContent = distance(now);
  relative.hidden = !relative.textContent;
  // Tags such as Cancelled or No longer listed stay.
  if (keepsTag || state === "before" || (state === "now" && !isOn(event, now))) return;
  for (const link of event.querySelectorAll("#register")) link.parentNode.remove();
  if (state === "ended" && !event.dataset.end && local(event.dataset.start).day === local(now).day) {
    // LibCal gives no end: it may still be on.
    if (tag) tag.closest("p").remove();
    tag = null;
    return;
  }
  if (!tag) {
    tag = document.createElement("strong");
    const line = document.createElement("p");
    line.append(tag);
    event.querySelector("h1").after(line);
  }
  retag(tag, state, state === "now" ? nowText(event, now) : say("status.ended"));
  if (state === "ended") for (const calendars of event.querySelectorAll(".actions details")) calendars.remove();
});

const share = document.getElementById("share");
share.hidden = !navigator.share && !navigator.clipboard;
share.addEventListener("click", async () => {
  const { href: url } = document.querySelector("link[rel=canonical]") || location;
  try {
    if (navigator.share) await navigator.share({ title: document.title, url });
    else {
      await navigator.clipboard.writeText(url);
      document.getElementById("shared").textContent = say("share.copied");
    }
  } catch {
    // Cancelled by the visitor, or forbidden.
  }
});

// "All events" leads back to the list with its filters. The list may be some event pages ago.
try {
  const root = document.getElementById("up").href.replace(/[^/]*$/, "");
  const from = document.referrer.split("#")[0];
  if (from.startsWith(root) && !from.startsWith(`${root}event/`)) sessionStorage.setItem("list", from);
  document.getElementById("up").href = sessionStorage.getItem("list") || document.getElementById("up").href;
} catch {
  // Storage is off.
}
