
// The page of one event.
const event = document.getElementById("event");
let tag = event.querySelector(".tag");
// What lasts longer than three days is not "on now" at three in the morning.
const ongoing = ending(event) - Number(event.dataset.start) > 3 * 86_400;
const cameTagged = tag && !tag.matches(".required, .few-left, .full, .waiting-list, .closed, .not-open, .online-left, .in-person-left");

everyMinute((now) => {
  const state = phase(event, now);
  // Cancelled, or no longer listed, comes before all else.
  if (cameTagged || state === "before" || (state === "now" && ongoing)) return;
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
