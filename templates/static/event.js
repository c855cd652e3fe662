
// The page of one event.
const event = document.getElementById("event");
let tag = event.querySelector(".tag");
const keepsTag = event.matches(".off") || tag && !tag.matches(".required, .few-left, .full, .waiting-list, .closed, .not-open, .online-left, .in-person-left");

everyMinute((now) => {
  const state = phase(event, now);
  // Tags such as Cancelled or No longer listed stay.
  if (keepsTag || state === "before" || (state === "now" && !isOn(event, now))) return;
  if (state === "ended" && !event.dataset.end && local(event.dataset.start).day === local(now).day) {
    // LibCal gives no end: it may still be on.
    document.getElementById("register")?.remove();
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
  if (state === "ended") event.querySelector(".actions")?.remove();
  else document.getElementById("register")?.remove();
});
