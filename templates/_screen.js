// The lobby screen, after site.js. Each turn of a page is computed from the events in the document and the
// time, so that there is no state that could go wrong over weeks.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;
const SLIDES_BETWEEN = 2, SLIDES = 12;

const byId = (id) => document.getElementById(id);
const stage = byId("stage");
const listCode = stage.querySelector(".scan");
const versionOf = (page) => page.querySelector("meta[name=events-display-screen]")?.content;
const version = versionOf(document);

// The content: the events, the names of the next days, when the last event of each day ends, and the midnight
// before the page was rendered.
let rows, days, ends, built, closings, hours;
function take(template) {
  // The rows stay in the template, where no image is loaded; pages show copies.
  rows = [...template.content.children];
  days = JSON.parse(template.dataset.days);
  ends = JSON.parse(template.dataset.ends);
  built = Number(template.dataset.built);
  closings = JSON.parse(template.dataset.closings);
  hours = JSON.parse(template.dataset.hours);
}
take(byId("events"));

// ---- The time. The device's clock is compared with the server's; a time before the page was rendered is wrong.

let correction = 0, measured = NaN, doubted = false;
const start = performance.now();
let drift = Date.now() - start;

const device = () => Date.now() / SECOND + correction;
const now = () => Math.max(device(), built);
const inDoubt = () => doubted || device() < built;

// A cache sends the Date of its copy, and its Age. A copy without Age would make the clock seem fast, so a
// difference counts only when two answers agree; until then the screen shows no clock.
function compareClocks(headers) {
  const ahead = (Date.parse(headers.get("date")) - Date.now()) / SECOND + Number(headers.get("age"));
  const wrong = Math.abs(ahead) > 300;
  doubted = wrong && !(Math.abs(ahead - measured) < 10);
  correction = wrong ? ahead : 0;
  measured = ahead;
}

const dayText = (day) => days[day] ?? dayName(day);

// ---- The agenda: groups of rows, each with its heading.

const calledOff = (row) => row.matches(".off");
const begunEarlier = (row, time) => local(row.dataset.start).day < local(time).day;
// An exhibit is a row on its first day. From the second day on, the footer shows it.
const exhibit = (row, time) => row.matches(".exhibit") && begunEarlier(row, time);
const runningExhibit = (row, time) => exhibit(row, time) && phase(row, time) === "now";
// An event while the library is closed may not take place.
const on = (row, time) =>
  !inDoubt() && !calledOff(row) && !row.querySelector(".library-closed") && isOn(row, time);
const startOf = (row) => Number(row.dataset.start);

function dayOf(row, time) {
  const first = local(row.dataset.start).day, today = local(time).day;
  return first > today ? first : today;
}

function headingOf(row, time) {
  const today = local(time).day, day = dayOf(row, time);
  if (on(row, time)) return say("status.now");
  if (day === today) return say("screen.today");
  return Date.parse(day) - Date.parse(today) > 24 * HOUR ? dayText(day) : say("tomorrow", { day: dayText(day) });
}

// -> [[heading, rows], ...]
function agenda(time) {
  const later = (row) => dayOf(row, time) > local(time).day;
  // What is on comes first, the latest start at the top: a stop-by program has been on since the morning. Events
  // of the whole day, or that began on an earlier day, come after the others of today.
  const wholeDay = (row) => row.querySelector("time").dateTime.length < 11 || begunEarlier(row, time);
  const rank = (row) => (later(row) ? 3e12 : wholeDay(row) ? 2e12 : 1e12);
  const key = (row) => (on(row, time) ? -startOf(row) : rank(row) + startOf(row));
  // Events called off are shown only on their day.
  const live = rows.filter((row) => phase(row, time) !== "ended" && !exhibit(row, time) && !(calledOff(row) && later(row)))
    .sort((a, b) => key(a) - key(b));
  const groups = [];
  live.every((row, count) => {
    const heading = headingOf(row, time);
    if (heading !== groups[groups.length - 1]?.[0]) {
      if (count > 2 && later(row)) return false;
      groups.push([heading, []]);
    }
    return groups[groups.length - 1][1].push(row);
  });
  if (live.length && later(live[0])) {
    // An event that the screen does not show, such as a full one, may be on or still to come.
    const last = ends[local(time).day] ?? (rows.some((row) => runningExhibit(row, time)) ? Infinity : 0);
    const key = !last ? "screen.none" : last > time ? "screen.coming" : "screen.next";
    groups[0][0] = say(key, { day: dayText(dayOf(live[0], time)) });
  }
  return groups;
}

function slides(time) {
  const titles = new Set();
  return rows.filter((row) => {
    const title = row.querySelector("h3").textContent;
    return row.matches(".inviting") && phase(row, time) !== "ended" && !titles.has(title) && titles.add(title);
  }).slice(0, SLIDES);
}

// ---- Pages: elements that are not on the stage yet.

function make(name, className, ...content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...content);
  return made;
}

function sectionOf(heading, time, rows, more) {
  const copies = rows.map((row) => {
    const copy = row.cloneNode(true);
    if (row.dataset.later && begunEarlier(row, time)) copy.querySelector("time").textContent = row.dataset.later;
    // An event that has begun needs no registration tag.
    if (on(row, time)) copy.querySelector(".tag")?.remove();
    if (!more) copy.querySelector(".more")?.remove();
    return copy;
  });
  return make("section", on(rows[0], time) ? "now" : "", make("h2", "", heading), make("ul", "", ...copies));
}

const agendaPage = (...content) =>
  make("div", "page agenda", make("div", "list", ...content), listCode?.cloneNode(true) ?? "");

// Splits the rows by their height into as few pages as possible, of about the same height.
function agendaPages(time) {
  const groups = agenda(time);
  if (!groups.length) {
    // After an outage of days the page knows no events. That is not "No events are scheduled".
    const old = time - built > 3 * 86400;
    const text = old ? say("stale.day", { day: dayText(local(built).day) }) : say("empty");
    return [() => agendaPage(make("p", "empty", text))];
  }
  const sections = groups.map(([heading, members]) => sectionOf(heading, time, members));
  const all = agendaPage(...sections);
  all.classList.add("measured");
  stage.append(all);
  const height = (item) => item.getBoundingClientRect().height;
  const room = height(all.firstChild);
  const lines = sections.flatMap((section) => [...section.lastChild.children].map((row) => (
    { section, row, head: height(section.firstChild), height: height(row) })));
  all.remove();

  const split = (limit) => {
    const pages = [];
    let free = -1, last;
    for (const line of lines) {
      free -= line.height + (line.section !== last && line.head);
      if (free < 0) {
        pages.push([]);
        free = limit - line.height - line.head;
      }
      pages[pages.length - 1].push(line);
      last = line.section;
    }
    return pages;
  };
  let pages = split(room);
  for (let limit = room, even = pages; limit > 0 && even.length === pages.length; limit -= 5) {
    pages = even;
    even = split(limit);
  }
  return pages.map((page) => () => {
    for (const section of sections) section.lastChild.textContent = "";
    for (const { section, row } of page) section.lastChild.append(row);
    return agendaPage(...new Set(page.map((line) => line.section)));
  });
}

async function slidePage(row, time) {
  const page = make("div", "page slide measured", sectionOf(headingOf(row, time), time, [row], true));
  const image = page.querySelector(".picture");
  if (image) {
    // Decode the image first, or it would appear in pieces. If it takes too long, the slide has no image.
    image.loading = "eager";
    const late = new Promise((_, reject) => setTimeout(reject, 8 * SECOND));
    await Promise.race([image.decode(), late]).then(() => page.classList.add("pictured"), () => {});
  }
  stage.append(page);
  // Fit a long title: smaller letters first, then without the excerpt, then without the image.
  for (let fit = 1; page.scrollHeight > page.clientHeight && fit > 0.45; fit -= 0.05) {
    page.style.setProperty("--fit", fit);
    if (fit < 0.7) page.querySelector(".about")?.remove();
    if (fit < 0.6) page.classList.remove("pictured");
  }
  page.remove();
  page.classList.remove("measured");
  return page;
}

// ---- Turning the pages.

let at = -1, firstSlide = 0, place;
let paused = false, turning = false, turnTimer, room;

// Returns the next page, or with `stay` the current page for the new time; sets `place` to its number.
function pageAt(time, stay) {
  let invited = layout === "agenda" ? [] : slides(time);
  const pages = layout === "slides" && invited.length ? [] : agendaPages(time);
  const numbered = pages.length || invited.length;
  // A few slides follow each round of the agenda; the next round shows the next slides.
  if (pages.length) invited = [...invited.slice(firstSlide % invited.length), ...invited].slice(0, Math.min(SLIDES_BETWEEN, invited.length));
  pages.push(...invited.map((row) => () => slidePage(row, time)));
  at = Math.max(stay ? at : at + 1, 0);
  if (at >= pages.length) {
    at = 0;
    firstSlide += SLIDES_BETWEEN;
  }
  place = numbered > 1 && at < numbered ? say("screen.page", { page: at + 1, pages: numbered }) : "";
  return pages[at]();
}

function show(page) {
  const old = stage.lastElementChild;
  while (stage.firstChild !== old) stage.firstChild.remove();
  if (old.outerHTML === page.outerHTML) return;
  // The new page fades in over the old one, which is removed afterwards.
  stage.append(page);
  setTimeout(() => old.remove(), 500);
}

async function turn(stay = false) {
  if (turning) return;
  turning = true;
  let seconds = 10;
  try {
    renew();
    const time = now();
    room = stage.clientHeight;
    const page = await pageAt(time, stay);
    show(page);
    byId("place").textContent = place;
    // Half a second for each word; ten seconds more for a QR code, to take out a phone.
    const words = page.textContent.split(/\s+/).length;
    seconds = rotate || Math.min(Math.max(10, words / 2), 20) + (page.querySelector("li .scan") && 10);
    const running = rows.filter((row) => runningExhibit(row, time));
    const current = running[at % running.length];
    const textOf = (part) => current.querySelector(part).textContent;
    byId("ongoing").textContent = current
      ? [textOf("h3"), textOf("p"), current.dataset.later ?? textOf("time")].filter(Boolean).join(" · ") : "";
  } finally {
    turning = false;
    clearTimeout(turnTimer);
    if (rotate !== 0 && !paused) turnTimer = setTimeout(turn, seconds * SECOND);
  }
}

const control = byId("pause");
function pause() {
  paused = !paused;
  control.textContent = say(paused ? "screen.resume" : "screen.pause");
  turn(paused);
}
control.hidden = false;
control.addEventListener("click", pause);
document.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  // On the button, a space would also click.
  event.preventDefault();
  pause();
});

// ---- Every minute: the clock, the age of the events, and the protection of the panel.

let minuteTimer;

function tick() {
  clearTimeout(minuteTimer);
  minuteTimer = setTimeout(tick, MINUTE - (now() * SECOND) % MINUTE);
  const jump = Date.now() - performance.now() - drift;
  if (Math.abs(jump) > MINUTE) {
    // A person or a time server has set the device's clock.
    drift += jump;
    correction = 0;
    refresh();
  }
  const time = now(), { day, hour, minute } = local(time);
  const whole = say("clock") === "24";
  const values = { hour: whole ? hour : hour % 12 || 12, minute, period: say(hour < 12 ? "am" : "pm") };
  byId("clock").textContent = inDoubt() ? "" : say(whole ? "time.24" : "time.minute", values);
  byId("date").textContent = inDoubt() ? "" : dayText(day);
  root.classList.toggle("night", hour >= 22 || hour < 6);
  // Against burn-in: header and footer swap at midnight, and the picture moves a little every three minutes.
  root.classList.toggle("turned", Date.parse(day) / HOUR % 48 > 0);
  const step = Math.floor(time / 180);
  root.style.setProperty("--x", `${Math.abs(step % 17 - 8)}px`);
  root.style.setProperty("--y", `${Math.abs((step * 5 + 4) % 17 - 8)}px`);

  // One failed refresh is ignored, unless no refresh has succeeded in the last five minutes.
  const away = failures && !(performance.now() - reached < 5 * MINUTE);
  site.texts.updated = away ? site.texts["screen.reconnecting"] : updated;
  if (away) byId("updated").textContent = say("updated", { time: dayText(local(built).day) });
  showFreshness(time);
  // The notice of a closure appears the day before.
  const closing = closings.find(({ start, end }) => end > time && start < time + 24 * 3600);
  byId("closed").hidden = !closing;
  byId("closed").textContent = closing ? closing.text : "";
  const open = hours.map((branch) => [hours.length > 1 ? `${branch.name}: ` : "", hoursNow(branch, time)]);
  byId("hours").textContent = inDoubt() ? "" : open.filter((pair) => pair[1]).map((pair) => pair.join("")).join(" · ");
  if (paused || rotate === 0) turn(true);
}

// ---- Refresh: the next version of this page, from its own address.

const { updated } = site.texts;
let fetched, refreshTimer, refreshing = false, reached, failures = 0;

async function get(address) {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 20 * SECOND);
  const answer = await fetch(address, { cache: "no-store", signal: abort.signal });
  if (!answer.ok) throw answer;
  return [await answer.text(), answer.headers];
}

async function askStatus() {
  const status = JSON.parse((await get(site.status))[0]);
  if (status.version === 1) freshness = status;
}

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  const before = doubted;
  // Without the status, the screen does not know its age.
  const status = askStatus().catch(() => {});
  try {
    const [text, headers] = await get(location.pathname);
    const page = new DOMParser().parseFromString(text, "text/html");
    // A captive portal may answer with its own page, and an answer may be cut short.
    if (!versionOf(page) || !/<\/html>\s*$/.test(text)) throw text;
    compareClocks(headers);
    fetched = { version: versionOf(page), template: page.getElementById("events") };
    reached = performance.now();
    failures = 0;
  } catch {
    failures++;
  } finally {
    await status;
    refreshing = false;
    clearTimeout(refreshTimer);
    refreshTimer = setTimeout(refresh, doubted && !before ? 30 * SECOND : MINUTE + Math.random() * MINUTE);
    tick();
  }
}

// Uses the fetched page when a page is turned. Another version has another script and style, so the screen
// reloads: only while the network works, and at most every ten minutes. It also reloads once a night.
function renew() {
  if (!fetched) return;
  const time = performance.now(), age = time - start;
  const newer = fetched.version !== version;
  if (!newer) take(fetched.template);
  if ((newer || (age > 12 * HOUR && local(now()).hour === 3)) && time - reached < MINUTE && age > 10 * MINUTE) {
    location.reload();
    fetched = null;
  }
}

refreshTimer = setTimeout(refresh, (2 + Math.random() * 6) * SECOND);
addEventListener("online", refresh);
// Runs at once, and when the window or a notice changes the room.
new ResizeObserver(() => room !== stage.clientHeight && turn(true)).observe(stage);
tick();
navigator.serviceWorker?.register(site.worker, { scope: site.scope, updateViaCache: "none" }).catch(() => {});
