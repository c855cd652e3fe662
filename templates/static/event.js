
// The page of one event.
const event = document.getElementById("event");
let tag = event.querySelector(".tag");
// An event of more than three days, such as an exhibit, is not "on now" at three in the morning.
const longRunning = ending(event) - Number(event.dataset.start) > 3 * 86_400;
const keepsTag = tag && !tag.matches(".required, .few-left, .full, .waiting-list, .closed, .not-open, .online-left, .in-person-left");

everyMinute((now) => {
  const state = phase(event, now);
  // Tags such as Cancelled or No longer listed stay.
  if (keepsTag || state === "before" || (state === "now" && longRunning)) return;
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
