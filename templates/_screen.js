// The lobby screen, after site.js. Page and slide follow from the events in the document and the clock, so that
// there is no state that could go wrong over weeks, and a player that loads the screen again continues.
//
// ES2017, and nothing that Chromium 69 lacks: no ?. or ??, no catch without a name, no replaceChildren.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;
// In seconds: how long a page stays, and how long before its start an event is on a slide in each round.
const STAY = 15, SOON = 3600;
// The slides of such events in a round, and of others at least.
const SOON_SLIDES = 3, OTHER_SLIDES = 2;
// A prime, so that a player that comes at equal intervals sees every group of slides.
const GROUPS = 7;

const byId = (id) => document.getElementById(id);
const stage = byId("stage");

function versionOf(page) {
  const meta = page.querySelector("meta[name=events-display-screen]");
  return meta ? meta.content : undefined;
}
const version = versionOf(document);

// The audiences in the address that the library has.
const audiences = (query.get("audience") || "").split(",").filter((name) => site.audiences[name]);
if (audiences.length) byId("name").append(" ", make("span", "", audiences.map((name) => site.audiences[name]).join(", ")));

// The content: the events, the names of the next days, when the last event of each day ends, and the midnight
// before the page was rendered.
let rows, days, ends, built, closings, hours;
function take(template) {
  // The rows stay in the template, where no image is loaded; pages show copies.
  rows = [...template.content.children];
  if (audiences.length) rows = rows.filter((row) => audiences.some((name) => (row.dataset.for || "").split(" ").includes(name)));
  days = JSON.parse(template.dataset.days);
  ends = JSON.parse(template.dataset.ends);
  built = Number(template.dataset.built);
  closings = JSON.parse(template.dataset.closings);
  hours = JSON.parse(template.dataset.hours);
  byId("notice").textContent = template.dataset.notice;
  byId("notice").hidden = !template.dataset.notice;
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

const dayText = (day) => days[day] || dayName(day);

// ---- The board: groups of rows, each with its heading.

const calledOff = (row) => row.matches(".off");
const begunEarlier = (row, time) => local(row.dataset.start).day < local(time).day;
// An exhibit is a row on its first day. From the second day on, the bottom line shows it.
const exhibit = (row, time) => row.matches(".exhibit") && begunEarlier(row, time);
const runningExhibit = (row, time) => exhibit(row, time) && phase(row, time) === "now";
// An event while the library is closed may not take place.
const on = (row, time) =>
  !inDoubt() && !calledOff(row) && !row.querySelector(".library-closed") && isOn(row, time);
const startOf = (row) => Number(row.dataset.start);
const titleOf = (row) => row.querySelector("h3").textContent;

function dayOf(row, time) {
  const first = local(row.dataset.start).day, today = local(time).day;
  return first > today ? first : today;
}

function headingOf(row, time) {
  const today = local(time).day, day = dayOf(row, time);
  if (on(row, time)) return say("status.now");
  // With a wrong clock, today may be another day.
  if (day === today) return inDoubt() ? dayText(day) : say("screen.today");
  return Date.parse(day) - Date.parse(today) > 24 * HOUR ? dayText(day) : say("tomorrow", { day: dayText(day) });
}

// What a screen says instead of a heading when no event of today is left.
function headingOfNext(next, time) {
  const today = local(time).day, day = dayText(dayOf(next, time));
  // A notice above says that the library is closed.
  if (closings.some(({ start, end }) => start <= time && time < end)) return say("screen.coming", { day });
  // An event that the screen does not show, such as a full one, may be on or still to come.
  let last = ends[today];
  if (audiences.length) last = Math.max(0, ...rows.filter((row) => !calledOff(row) && dayOf(row, time) === today).map(ending));
  if (last === undefined) last = rows.some((row) => runningExhibit(row, time)) ? Infinity : 0;
  return say(!last ? "screen.none" : last > time ? "screen.coming" : "screen.next", { day });
}

// -> [{heading, plain, rows}, ...]; a plain heading is not visible, since the header or the row says the same.
function agenda(time) {
  const later = (row) => dayOf(row, time) > local(time).day;
  // What is on comes first, the latest start at the top: a stop-by program has been on since the morning. Events
  // of the whole day, or that began on an earlier day, come after the others of today.
  const wholeDay = (row) => row.querySelector("time").dateTime.length < 11 || begunEarlier(row, time);
  const rank = (row) => (later(row) ? 3e12 : wholeDay(row) ? 2e12 : 1e12);
  const key = (row) => (on(row, time) ? -startOf(row) : rank(row) + startOf(row));
  // The bottom line shows events called off.
  const live = rows.filter((row) => phase(row, time) !== "ended" && !exhibit(row, time) && !calledOff(row))
    .sort((a, b) => key(a) - key(b));
  const groups = [];
  live.every((row, count) => {
    const heading = headingOf(row, time), last = groups[groups.length - 1];
    if (!last || heading !== last.heading) {
      if (count > 2 && later(row)) return false;
      groups.push({ heading, plain: !later(row) && !inDoubt(), rows: [] });
    }
    return groups[groups.length - 1].rows.push(row);
  });
  if (live.length && later(live[0])) Object.assign(groups[0], { heading: headingOfNext(live[0], time), large: true });
  if (live.length) return groups;
  const running = rows.filter((row) => runningExhibit(row, time));
  return running.length ? [{ heading: say("ongoing.heading"), plain: false, rows: running }] : [];
}

// ---- The time of a row.

// "in 25 min"
function waitText(seconds) {
  const minutes = Math.ceil(seconds / 60), hours = Math.floor(minutes / 60);
  if (!hours) return say("screen.in_minutes", { minutes });
  return say(minutes % 60 ? "screen.in_hours_minutes" : "screen.in_hours", { hours, minutes: minutes % 60 });
}

// -> {main, rest, name}: the large and the small text of a time.
function timeOf(row, time) {
  const [first, second] = row.querySelector("time").childNodes;
  const start = startOf(row), end = Number(row.dataset.end);
  if (on(row, time)) {
    const until = end && end - time < 12 * 3600;
    return { main: say("screen.now"), rest: until ? say("screen.until", { time: clock(end, true) }) : "", name: "now" };
  }
  if (row.dataset.later && begunEarlier(row, time)) return { main: row.dataset.later, rest: "" };
  let main = first.textContent.replace(/,$/, ""), rest = second ? second.textContent.trim() : "";
  if (row.dataset.days) {
    main = clock(start);
    rest = say("range", { start: "", end: clock(end, true) }).trim();
  }
  const wait = start - time, timed = row.querySelector("time").dateTime.includes("T");
  if (!timed || inDoubt() || wait <= 0 || wait >= 2 * SOON) return { main, rest };
  return { main, rest: waitText(wait), name: "soon" };
}

// The period of "10:30am" is smaller than the hour.
function parts(text) {
  const [, hour, period] = /^(\d[\d:.]*)(\D+)$/.exec(text) || [];
  return hour ? [hour, make("small", "", period)] : [text];
}

// ---- Pages: elements that are not on the stage yet.

function make(name, className, ...content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...content);
  return made;
}

// The pixels of a percent of the shorter side, times the scale: u in the style sheet.
const unit = () => Math.min(innerWidth, innerHeight) / 100 * scale;
const portrait = () => innerHeight > innerWidth;

// Letters with accents above accents need higher lines.
const TALL = /[^\0-\u024f\u2000-\u22ff]/;

// Decodes an image first, or it would appear in pieces. One that takes too long is left out.
function decoded(image, sizes) {
  image.sizes = sizes;
  image.loading = "eager";
  const late = new Promise((_, reject) => setTimeout(reject, 8 * SECOND));
  return Promise.race([image.decode(), late]).then(() => true, () => {
    image.remove();
    return false;
  });
}

// Lets `build` lay out the page on the stage, where it is not visible.
function laidOut(page, build) {
  page.classList.add("measured", "scripted");
  stage.append(page);
  build();
  page.remove();
  page.classList.remove("measured");
  return page;
}

function codeOf(address, words) {
  const image = make("img", "");
  image.src = address;
  image.alt = "";
  return make("div", "scan", image, make("div", "words", ...words.map((text) => make("p", "", text))));
}

// The QR code of a row, whose modules are bits: dark on light, with a quiet zone of four.
function codeImage(data) {
  const bytes = Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const size = Math.floor(Math.sqrt(bytes.length * 8));
  const whole = size + 8;
  let dark = "";
  for (let i = 0; i < size * size; i++) {
    if (bytes[i >> 3] >> (7 - i % 8) & 1) dark += `M${4 + i % size} ${4 + Math.floor(i / size)}h1v1h-1z`;
  }
  // No canvas: Chromium 71 without a graphics driver ends when it is read.
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="${whole}" viewBox="0 0 ${whole} ${whole}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${whole}v${whole}H0z"/><path d="${dark}"/></svg>`)}`;
}

function rowCopy(row, time) {
  const copy = document.importNode(row, true), old = copy.querySelector("time");
  for (const part of copy.querySelectorAll(on(row, time) ? ".about, .state" : ".about")) part.remove();
  const { main, rest, name } = timeOf(row, time);
  old.textContent = "";
  const long = main.length > 10;
  old.append(make("b", "", ...(long ? [main] : parts(main))));
  if (rest) old.append(make("span", "", ` ${rest}`));
  if (name) copy.classList.add(name);
  if (long) old.className = "words";
  return copy;
}

// Fits a title into its row: smaller letters on one line, or two lines, whichever has the larger letters.
function fitTitle(row, height, grow) {
  const title = row.querySelector("h3"), state = row.querySelector(".state"), where = row.querySelector(".where");
  if (state && !fitLine(where, where.scrollWidth, where.clientWidth)) row.classList.add("stacked");
  if (!fitLine(where, where.scrollWidth, where.clientWidth)) where.classList.add("wrapped");
  const stacked = state && (portrait() || row.matches(".stacked"));
  if (stacked && !fitLine(state.firstElementChild, state.firstElementChild.offsetWidth, state.clientWidth)) state.classList.add("wrapped");
  // Without the padding for accents.
  const below = where.offsetHeight - 0.3 * parseFloat(getComputedStyle(where).fontSize) + (stacked ? state.offsetHeight : 0);
  const room = Math.max(height - below - unit() / 2, 4 * unit());
  const set = (fit) => title.style.setProperty("--fit", fit.toFixed(3));
  if (TALL.test(title.textContent)) title.classList.add("tall");
  const wide = () => title.scrollWidth > title.clientWidth + 1;
  set(grow);
  const high = Math.min(grow, grow * room / title.offsetHeight);
  set(high);
  if (!wide()) return;
  const one = high * title.clientWidth / title.scrollWidth * 0.99;
  title.classList.add("wrapped");
  let two;
  const shrink = () => {
    for (two = high; two > one && two > 0.44; two *= 0.95) {
      set(two);
      if (title.scrollHeight <= room && !wide()) return;
    }
  };
  shrink();
  if (two <= 0.44) {
    // Perhaps a word is longer than a line.
    title.classList.add("broken");
    shrink();
  }
  if (one >= two && one > 0.44) {
    title.classList.remove("wrapped", "broken");
    set(one);
  } else if (two <= 0.44) {
    title.classList.add("cut");
  }
}

// Shrinks a line of text to its column, as far as it stays readable; returns whether it fits.
function fitLine(text, width, column) {
  if (width <= column) return true;
  const size = parseFloat(getComputedStyle(text).fontSize) * column / width * 0.96, least = 3.05 * unit() / Math.max(scale, 1);
  text.style.fontSize = `${Math.max(size, least).toFixed(1)}px`;
  const period = text.querySelector("small");
  if (period && parseFloat(getComputedStyle(period).fontSize) < least) period.style.fontSize = `${least.toFixed(1)}px`;
  return size >= least;
}

const headHeight = (group) => (group.plain ? 0 : !group.large ? 7 : portrait() ? 15 : 9.5) * unit();

// A page of the board: rows of equal height, higher if there are few.
async function boardPage(lines, time) {
  const rowsOfPage = lines.filter((line) => line.row);
  const coded = lines.length > rowsOfPage.length;
  const sections = [];
  let last;
  for (const { group, row } of rowsOfPage) {
    if (group !== last) sections.push(make("section", group.plain ? "plain" : "", make("h2", group.large ? "large" : "", group.heading), make("ul", "")));
    sections[sections.length - 1].lastChild.append(rowCopy(row, time));
    last = group;
  }
  const page = make("div", coded ? "page board coded" : "page board", make("div", "list", ...sections));
  if (coded) page.append(codeOf(site.code, [say("all_events"), site.code_address]));
  await Promise.all([...page.querySelectorAll(".picture")].map(async (image) => {
    const row = image.parentNode;
    if (!portrait() && await decoded(image, "20vw")) row.classList.add("pictured");
  }));
  return laidOut(page, () => {
    const u = unit(), heads = [...new Set(rowsOfPage.map((line) => line.group))].reduce((sum, group) => sum + headHeight(group), 0);
    const code = coded && portrait() ? 37 * Math.min(innerWidth, innerHeight) / 100 : 0;
    const room = Math.max(stage.clientHeight - heads - code, u), base = rowHeight();
    const height = Math.min(room / rowsOfPage.length, 2.2 * base);
    const grow = Math.min(height / base, 1.7);
    page.style.setProperty("--row", `${height.toFixed(1)}px`);
    // Time and place grow less than the title.
    page.style.setProperty("--grow", (grow > 1 ? 1 + (grow - 1) * 0.55 : grow).toFixed(3));
    for (const head of page.querySelectorAll(".large")) if (!portrait()) fitLine(head, head.scrollWidth, head.clientWidth);
    const items = [...page.querySelectorAll("li")];
    const scan = coded && !portrait() ? page.querySelector(".scan").getBoundingClientRect().top - u : Infinity;
    for (const part of page.querySelectorAll("li, h2")) if (part.getBoundingClientRect().bottom > scan) part.classList.add("beside");
    for (const item of items) {
      fitTitle(item, height, grow);
      for (const text of item.querySelectorAll("time b, time span")) fitLine(text, text.getBoundingClientRect().width, text.parentNode.clientWidth - u);
    }
  });
}

const rowHeight = () => (portrait() ? 18.6 : 15.1) * unit();

// Without a row. The code leads to the list, so it shows only if the list has events: full or later ones.
function emptyPage(time) {
  // After an outage of days the page knows no events. That is not "No events are scheduled".
  const old = time - built > 3 * 86400, more = !audiences.length && Object.values(ends).some((end) => end > time);
  const names = audiences.map((name) => site.audiences[name]).join(", ");
  const text = old ? say("stale.day", { day: dayText(local(built).day) })
    : more ? say("screen.in_list") : names ? say("empty.group", { name: names }) : say("empty");
  const page = make("div", "page board scripted", make("div", "list", make("p", "empty", text)));
  const open = hoursShown(time);
  if (open && !old) page.firstChild.append(make("p", "empty hours", open));
  if (more && !old && site.code) page.append(codeOf(site.code, [say("all_events"), site.code_address]));
  return page;
}

// Splits the rows into as few pages as possible, of about the same height.
function boardPages(time) {
  const groups = agenda(time);
  if (!groups.length) return [() => emptyPage(time)];
  const lines = [];
  for (const group of groups) {
    for (const row of group.rows) lines.push({ group, row, height: rowHeight(), head: headHeight(group) });
  }
  // The code of the whole list is on the last page: at the side, or below the rows.
  if (site.code) lines.push({ group: lines[lines.length - 1].group, height: portrait() ? 37 * Math.min(innerWidth, innerHeight) / 100 : 0, head: 0 });
  const split = (limit) => {
    const pages = [];
    let free = -1, last;
    for (const line of lines) {
      free -= line.height + (line.group === last ? 0 : line.head);
      if (free < 0) {
        pages.push([]);
        free = limit - line.height - line.head;
      }
      pages[pages.length - 1].push(line);
      last = line.group;
    }
    return pages;
  };
  // A window lower than a row.
  room = stage.clientHeight;
  const whole = Math.max(room, rowHeight() + 7 * unit());
  let pages = split(whole);
  for (let limit = whole, even = pages; limit > 0 && even.length === pages.length; limit -= 5) {
    pages = even;
    even = split(limit);
  }
  // The code alone is no page.
  if (pages.length > 1 && !pages[pages.length - 1].some((line) => line.row)) pages.pop();
  return pages.map((page) => () => boardPage(page, time));
}

// ---- Slides.

// "10:30am to 11:15am, in 25 min"
function slideTime(row, time) {
  const { main, rest, name } = timeOf(row, time);
  if (name === "now") return rest ? `${main} ${rest}` : main;
  const own = row.querySelector("time").textContent;
  const times = name === "soon" && !row.dataset.days ? `${own} · ${rest}` : row.dataset.days ? `${main} ${rest}` : row.dataset.later && begunEarlier(row, time) ? main : own;
  return dayOf(row, time) === local(time).day && !inDoubt() ? times : `${headingOf(row, time)} · ${times}`;
}

async function slidePage(row, time) {
  const copy = document.importNode(row, true), part = (name) => copy.querySelector(name);
  const clock = part("time");
  clock.textContent = slideTime(row, time);
  if (on(row, time)) clock.className = "now-text";
  const text = make("div", "text", ...[clock, part("h3"), part(".where"), on(row, time) ? null : part(".state"), part(".about")].filter(Boolean));
  if (TALL.test(titleOf(row))) text.querySelector("h3").classList.add("tall");
  const image = part(".picture");
  const item = make("li", "", text);
  if (row.dataset.code) {
    item.append(codeOf(codeImage(row.dataset.code), [say("register" in row.dataset ? "screen.register" : "screen.details"), row.dataset.address]));
  }
  const page = make("div", "page slide", make("div", "list", make("section", "plain", make("h2", "", headingOf(row, time)), make("ul", "", item))));
  if (image && await decoded(image, portrait() ? "92vw" : "50vw")) await addPicture(page, item, image);
  return laidOut(page, () => fitSlide(page, text));
}

// The picture fills the height at the left; a poster whole, with a blurred copy behind it where it leaves room.
async function addPicture(page, item, image) {
  const ratio = image.naturalWidth / image.naturalHeight;
  const whole = ratio * stage.clientHeight / stage.clientWidth;
  const wide = Math.min(Math.max(whole, 0.3), 0.5);
  const fits = portrait() ? ratio > 1.25 && ratio < 2.4 : ratio <= 2.4 && whole > 0.25;
  if (!fits) {
    const behind = image.cloneNode(true);
    behind.classList.add("blur");
    if (await decoded(behind, "50vw")) item.prepend(behind);
  }
  item.insertBefore(image, item.querySelector(".text"));
  page.classList.add("pictured");
  page.style.setProperty("--wide", `${(wide * 100).toFixed(1)}%`);
}

// Fits a long title: smaller letters first, then without the excerpt, then without the image.
function fitSlide(page, text) {
  const title = text.querySelector("h3");
  const high = () => text.lastChild.getBoundingClientRect().bottom - text.firstChild.getBoundingClientRect().top > text.clientHeight;
  const over = () => high() || title.scrollWidth > title.clientWidth + 1;
  const shrink = (least) => {
    for (let fit = 1; over() && fit >= least; fit -= 0.05) page.style.setProperty("--fit", fit.toFixed(2));
  };
  const time = text.querySelector("time");
  fitLine(time, time.getBoundingClientRect().width, text.clientWidth);
  shrink(0.75);
  const about = text.querySelector(".about");
  if (over() && about) about.remove();
  shrink(0.5);
  if (over() && page.classList.contains("pictured")) {
    page.classList.remove("pictured");
    for (const image of page.querySelectorAll(".picture")) image.remove();
    shrink(0.4);
  }
  if (over()) title.classList.add("cut");
}

// The events that a slide can invite to, the next ones first: those of today; if they are few, of the next day too.
function invitations(time) {
  const today = local(time).day, titles = new Set();
  const open = rows.filter((row) => row.matches(".inviting") && phase(row, time) !== "ended" && !exhibit(row, time))
    .sort((a, b) => startOf(a) - startOf(b))
    .filter((row) => !titles.has(titleOf(row)) && titles.add(titleOf(row)));
  const coming = open.filter((row) => dayOf(row, time) === today && startOf(row) > time);
  const found = coming.concat(open.filter((row) => dayOf(row, time) === today && startOf(row) <= time));
  const later = open.filter((row) => dayOf(row, time) > today);
  const next = later.length ? dayOf(later[0], time) : "";
  return found.length > 2 ? found : found.concat(later.filter((row) => dayOf(row, time) === next).slice(0, 6));
}

const circle = (list, from, count) => Array.from({ length: Math.min(count, list.length) }, (_, i) => list[(from + i) % list.length]);

// Featured events twice.
const weighted = (list) => list.concat(list.filter((row) => row.matches(".featured")));

// The slides of a round: events that begin within the hour, and some of the others in turn, so that each event has
// a slide every hour.
function slidesOf(invited, round, pages, time) {
  const isSoon = (row) => startOf(row) > time && startOf(row) - time <= SOON;
  const next = invited.filter(isSoon);
  // The very next one first, so that a round which ends with its beginning has shown it.
  const soon = next.length > SOON_SLIDES ? circle(next, round * SOON_SLIDES, SOON_SLIDES) : next;
  const others = weighted(invited.filter((row) => !soon.includes(row)));
  const needed = Math.ceil(others.length * (pages + SOON_SLIDES) / Math.max(3600 / STAY - others.length, 1));
  const count = Math.max(OTHER_SLIDES, needed);
  return soon.concat(circle(others, round * count, count));
}

// `?only=next`: the event that begins next, or else one that is on.
function nextEvent(time) {
  const live = rows.filter((row) => phase(row, time) !== "ended" && !exhibit(row, time) && !calledOff(row));
  return live.filter((row) => startOf(row) > time).sort((a, b) => startOf(a) - startOf(b))[0] || live[0];
}

// ---- Turning the pages.

let paused = false, held = 0, turning = false, healthy = false, turnTimer, room, stay = STAY, lastTurn;

// -> {pages, numbered, seconds, at}: the pages of this round, and which of them is shown. The first `numbered` pages
// have a number.
function plan(time) {
  const next = only && nextEvent(time);
  if (next) return { pages: [() => slidePage(next, time)], numbered: 1, seconds: rotate || STAY, at: 0 };
  const invited = layout === "agenda" ? [] : invitations(time);
  const slides = layout === "slides" && invited.length > 0;
  const pages = slides ? weighted(invited).map((row) => () => slidePage(row, time)) : boardPages(time);
  const numbered = pages.length;
  // In a slot, seven rounds have all slides, at least as many in each.
  const inSlot = Math.ceil(invited.length / GROUPS);
  const extra = slides ? 0 : slot ? inSlot : slidesOf(invited, 0, numbered, time).length;
  const length = numbered + extra;
  const seconds = rotate || (slot ? Math.max(slot / length, 2.5) : STAY);
  const count = turnNumber(time, seconds, length);
  const at = count % length;
  let round = Math.floor(count / length);
  if (slot) round += Math.floor((time - sinceStart()) / 60);
  const shown = slides ? [] : slot ? circle(invited, (round % GROUPS) * inSlot, inSlot) : slidesOf(invited, round, numbered, time);
  pages.push(...shown.map((row) => () => slidePage(row, time)));
  return { pages, numbered, seconds, at };
}

const sinceStart = () => (performance.now() - start) / SECOND;

// The number of the turn: since 1970, so that all screens turn together, or since the page was loaded for a slot. After
// forty turns a page stays for a second turn: a player that comes at equal intervals would always see the same page.
function turnNumber(time, seconds, length) {
  if (rotate === 0) return 0;
  if (!paused) {
    const number = Math.floor((slot ? sinceStart() : time) / seconds);
    held = slot ? number + skipped(seconds, length) : number - Math.floor(number / 40);
  }
  return held;
}

// More pages than a slot has room for: the next slot goes on.
function skipped(seconds, length) {
  const fit = Math.floor(slot / seconds);
  return fit < length ? Math.floor((now() - sinceStart()) / 60) * fit : 0;
}

function show(page) {
  const old = stage.lastElementChild;
  while (stage.firstChild !== old) stage.firstChild.remove();
  if (old.outerHTML === page.outerHTML) return;
  // The new page fades in over the old one, which is removed afterwards.
  stage.append(page);
  setTimeout(() => old.remove(), 500);
}

// Shows the page for this time. The content changes only when a page is turned.
async function turn(renewing = true) {
  if (turning) return;
  turning = true;
  const since = () => (slot ? sinceStart() : now());
  try {
    // A minute may begin with a turn.
    const number = Math.floor(since() / stay);
    if (renewing || (!paused && rotate !== 0 && number !== lastTurn)) renew();
    lastTurn = number;
    const time = now();
    room = stage.clientHeight;
    const { pages, numbered, seconds, at } = plan(time);
    stay = seconds;
    const page = await pages[at]();
    show(page);
    byId("place").textContent = numbered > 1 && at < numbered ? say("screen.page", { page: at + 1, pages: numbered }) : "";
    showBottom(time);
    healthy = true;
    root.dataset.script = "running";
    root.dataset.alive = "1";
  } catch (error) {
    healthy = false;
    throw error;
  } finally {
    turning = false;
    clearTimeout(turnTimer);
    if (rotate !== 0 && !paused) turnTimer = setTimeout(turn, (stay - since() % stay) * SECOND + 50);
  }
}

// The bottom line: today's events that are called off, then exhibits. If not all fit, they take turns.
function showBottom(time) {
  const today = local(time).day, line = byId("bottom");
  const off = rows.filter((row) => calledOff(row) && phase(row, time) !== "ended" && dayOf(row, time) === today)
    .map((row) => [titleOf(row), timeOf(row, time).main]);
  const exhibits = rows.filter((row) => runningExhibit(row, time)).map((row) => {
    const where = row.querySelector(".where").textContent, until = row.dataset.later || row.querySelector("time").textContent;
    // The shorter texts are for a narrow line.
    return [titleOf(row), where ? `${where} · ${until}` : until, until, ""];
  });
  line.textContent = "";
  const all = off.concat(exhibits).map(([title, ...texts]) => {
    const span = make("span", "", make("b", "", title), "");
    line.append(span);
    texts.some((text) => {
      span.lastChild.data = text && ` ${text}`;
      return span.getBoundingClientRect().width <= line.clientWidth;
    });
    fitLine(span, span.getBoundingClientRect().width, line.clientWidth);
    return span;
  });
  const groups = [];
  let free = -1;
  for (const span of all) {
    const { width } = span.getBoundingClientRect();
    free -= width;
    if (free < 0) {
      groups.push([]);
      free = line.clientWidth - width;
    }
    groups[groups.length - 1].push(span);
  }
  const shown = groups[Math.floor(time / STAY) % groups.length] || [];
  for (const span of all) if (!shown.includes(span)) span.remove();
}

const control = byId("pause");
function pause() {
  paused = !paused;
  control.textContent = say(paused ? "screen.resume" : "screen.pause");
  turn();
}
control.hidden = false;
control.addEventListener("click", pause);
document.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  // On the button, a space would also click.
  event.preventDefault();
  pause();
});

// ---- Open or closed.

// The screen of one branch says its hours; for many there is no room.
const hoursShown = (time) => (hours.length === 1 && !inDoubt() ? hoursNow(hours[0], time) : "");

// "Closed now, opens at 9am", or "Opens at 9am, in 25 min", while all branches are closed.
function closedText(time) {
  const { day } = local(time);
  const spansOf = ({ days }) => [].concat(...Object.values(days).filter(Array.isArray));
  const shut = (branch) => Array.isArray(branch.days[day]) && !spansOf(branch).some(([start, end]) => start <= time && time < end);
  if (inDoubt() || !hours.length || !hours.every(shut)) return "";
  const texts = new Set(hours.map((branch) => hoursNow(branch, time)));
  const current = hours.filter((branch) => hoursNow(branch, time) === hoursText(branch.days, time));
  const opening = Math.min(...[].concat(...current.map(spansOf)).map(([start]) => start).filter((start) => start > time));
  if (opening - time < 2 * SOON) return say("screen.opens", { time: say("time.alone", { time: clock(opening) }), wait: waitText(opening - time) });
  return texts.size === 1 ? [...texts][0] : say("hours.closed_now");
}

function notice(id, text, large) {
  byId(id).hidden = !text;
  byId(id).textContent = text;
  byId(id).classList.toggle("large", Boolean(large));
}

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
  byId("clock").textContent = "";
  if (!inDoubt()) byId("clock").append(...parts(say(whole ? "time.24" : "time.minute", values)));
  byId("date").textContent = inDoubt() ? "" : dayText(day);
  root.classList.toggle("night", hour >= 22 || hour < 6);
  // Against burn-in: the picture moves a little every three minutes.
  const step = Math.floor(time / 180);
  root.style.setProperty("--x", `${Math.abs(step % 17 - 8)}px`);
  root.style.setProperty("--y", `${Math.abs((step * 5 + 4) % 17 - 8)}px`);

  // One failed refresh is ignored, unless no refresh has succeeded in the last five minutes.
  const away = failures && !(performance.now() - reached < 5 * MINUTE);
  site.texts.updated = away ? site.texts["screen.reconnecting"] : updated;
  byId("updated").classList.toggle("away", Boolean(away));
  if (away) byId("updated").textContent = say("updated", { time: dayText(local(built).day) });
  showFreshness(time);
  // The notice of a closure appears the day before.
  const closing = closings.find(({ start, end }) => end > time && start < time + 24 * 3600);
  const during = closing && closing.start <= time && !inDoubt(), shut = during ? "" : closedText(time);
  notice("closed", closing ? closing.text : "", during);
  notice("shut", shut, true);
  byId("hours").textContent = shut ? "" : hoursShown(time);
  if (healthy) root.dataset.alive = "1";
  // "in 25 min" changes every minute.
  turn(paused || rotate === 0);
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
  } catch (_) {
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
new ResizeObserver(() => room !== stage.clientHeight && turn(false)).observe(stage);
tick();
if (navigator.serviceWorker) {
  navigator.serviceWorker.register(site.worker, { scope: site.scope, updateViaCache: "none" }).catch(() => {});
}
// ?wake=1 keeps the display on, where the browser can.
async function keepAwake() {
  if (query.get("wake") === "1" && navigator.wakeLock && !document.hidden) await navigator.wakeLock.request("screen").catch(() => {});
}
document.addEventListener("visibilitychange", keepAwake);
keepAwake();
