
// A list of events: hides ended events, tags events that are on now, searches and filters without a reload.
const events = document.getElementById("events");
const form = document.getElementById("find");
const strip = document.getElementById("days");
const counter = document.getElementById("count");
const none = document.getElementById("none");
const showAll = document.getElementById("show-all");
const featured = document.getElementById("featured");
const seeOngoing = document.getElementById("see-ongoing");
const emptyText = [...none.childNodes];
const query = new URLSearchParams(location.search);
const KINDS = ["branch", "audience", "category"];
// Returns a name as in links, "main-library" for "Main Library", as slug() does in Python.
function slug(name) {
  const plain = name.toLowerCase().replace(/ø/g, "o").replace(/æ/g, "ae").replace(/ß/g, "ss").normalize("NFKD");
  return plain.replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || name.trim();
}

// The filters, as in the address: a name may have several values.
const chosen = {};
for (const name of ["q", ...KINDS, "date", "time", "where", "places"]) {
  chosen[name] = query.getAll(name).map((value) => (KINDS.includes(name) ? slug(value) : value.trim())).filter(Boolean);
}
const one = (name) => chosen[name][0] || "";

const sections = [...events.querySelectorAll("section")].map((section) => {
  const heading = section.querySelector("h2");
  return { section, heading, day: section.dataset.day, text: heading.textContent };
});
const rows = [...events.querySelectorAll("li")].map((item) => {
  const tag = item.querySelector(".tag"), time = item.querySelector("time");
  const calledOff = item.matches(".off") || Boolean(tag && tag.matches(".library-closed"));
  const id = item.querySelector("a").pathname.replace(/^.*\/|\.html$/g, "");
  return { item, id, tag, time, times: time.textContent, calledOff, sunk: false, card: "", hay: null };
});
let find = null;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
  return made;
}

function fill(element, ...nodes) {
  element.textContent = "";
  element.append(...nodes);
}

// Updates all that depends on the time: phases, places in the list, and the headings "Today" and "Tomorrow".
function show(now) {
  const { day: today } = local(now);
  const days = daysOf(one("date"), today);
  // The first day that the list shows: what runs for several days is listed on it.
  const from = days && days[0] > today ? days[0] : today;
  for (const row of rows) {
    row.phase = phase(row.item, now);
    const on = isOn(row.item, now) && !row.calledOff;
    if (on && !row.tag) {
      row.tag = document.createElement("strong");
      row.time.after(row.tag, "\n");
    }
    if (on) retag(row.tag, "now", nowText(row.item, now));
    // A stop-by program is on again on another day.
    else if (row.tag && row.tag.matches(".now")) {
      row.tag.remove();
      row.tag = null;
    }
    if (from > today) takeDay(row.item, beginning(from));
    place(row, from, now);
  }
  rows.sort((a, b) => (a.item.compareDocumentPosition(b.item) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  showDays(today);
}

// When a day begins at the library; up to an hour off when the clocks change.
function beginning(day) {
  const noon = Date.parse(`${day}T12:00Z`) / 1000;
  const { hour } = local(noon);
  // The hour of noon UTC is 7 in New York, and 1 of the next day in Auckland.
  return noon - (hour + (local(noon).day > day ? 24 : 0)) * 3600 - Number(local(noon).minute) * 60;
}

// Moves an event to where a list made on the day `from` has it: events that began earlier and still run go under
// that day, exhibits to the ongoing ones, a stop-by program to its next day. A cancelled event goes below the
// others of its day when it would have begun.
function place(row, from, now) {
  const { item, time } = row;
  const first = local(item.dataset.start);
  const running = first.day < from && runsOn(item, from);
  row.day = running ? from : first.day;
  row.hour = running || !time.dateTime.includes("T") ? -1 : first.hour;
  if (row.phase === "ended") return;
  const home = running && "exhibit" in item.dataset ? sections.find(({ day }) => !day) : sectionOf(row.day);
  const sunk = row.calledOff && Number(item.dataset.start) <= now;
  // Moving an event would take the focus from it, so wait.
  if ((home.section.contains(item) && row.sunk === sunk) || item.contains(document.activeElement)) return;
  row.sunk = sunk;
  setText(time, running && item.dataset.later ? item.dataset.later : row.times);
  const rank = (other) => (other.sunk ? 1e11 : 0) + Number(other.item.dataset.start);
  const next = rows.filter((other) => other !== row && home.section.contains(other.item))
    .sort((a, b) => rank(a) - rank(b)).find((other) => rank(other) > rank(row));
  home.section.querySelector("ul").insertBefore(item, next ? next.item : null);
}

// The section of a day; a new one if the list has none.
function sectionOf(day) {
  const known = sections.find((each) => each.day === day);
  if (known) return known;
  const position = sections.findIndex((each) => each.day > day);
  const made = { section: make("section", "", { id: `day-${day}`, "data-day": day }), heading: document.createElement("h2"), day, text: dayName(day) };
  made.section.append(made.heading, document.createElement("ul"));
  events.insertBefore(made.section, position < 0 ? null : sections[position].section);
  sections.splice(position < 0 ? sections.length : position, 0, made);
  return made;
}

function showDays(today) {
  for (const { heading, day, text } of sections) {
    const key = { [today]: "today", [dayAfter(today, 1)]: "tomorrow" }[day];
    setText(heading, key ? say(key, { day: text }) : text);
  }
}

// An event that ends before 6am belongs to the day before (NIGHT_ENDS in scripts/rendering/dates.py).
function runsOn(item, day) {
  const end = local(ending(item) - 1);
  return end.day > day || (end.day === day && end.hour >= 6);
}

// Whether a row fits the filters of these kinds.
function fitsFilter(row, name, days) {
  if (name === "date") return !days || within(days, row);
  if (!chosen[name].length) return true;
  if (name === "time") return row.hour >= EVENING;
  const { dataset } = row.item;
  const has = KINDS.includes(name) ? dataset[name] || "" : "flags" in dataset ? dataset.flags : "person places";
  return chosen[name].some((value) => has.split(" ").includes(value));
}

// The words of a row; of its card alone until the index is there. A card shows only the beginning of its text.
function hayOf(row) {
  const parts = [...row.item.children].filter((part) => !part.matches(".text, .why"));
  const text = row.item.querySelector(".text"), details = text ? text.textContent : "";
  row.card = row.card || haystack(parts.map((part) => part.textContent).join("\n"));
  const entry = index.get(row.id) || { strong: "", weak: haystack(details), details };
  return { ...entry, strong: entry.strong + row.card };
}

// Shows the events that fit the filters; returns the text of their number.
function filter(now) {
  const { day: today } = local(now);
  const days = daysOf(one("date"), today);
  const search = one("q") ? searching(one("q")) : null;
  let room = (!form && Number(query.get("limit"))) || Infinity;
  const found = [], counts = {}, elsewhere = {}, later = [];
  for (const row of rows) {
    const reason = row.phase === "ended" ? null : search ? fitsSearch(row, search, today) : "";
    const failed = reason === null ? ["q"] : [...KINDS, "time", "where", "places", "date"].filter((name) => !fitsFilter(row, name, days));
    // The limit of an embedded list does not count the ongoing ones.
    const counted = !row.item.closest("#ongoing");
    const shown = !failed.length && (!counted || room-- > 0);
    row.item.hidden = !shown;
    explainHit(row, shown ? reason : "");
    if (shown) found.push(row);
    if (counted && (!failed.length || failed.join() === "date")) counts[row.day] = (counts[row.day] || 0) + 1;
    if (failed.join() === "date" && row.day > days[1]) later.push(row.day);
    if (failed.join() === "branch") for (const slug of (row.item.dataset.branch || "").split(" ")) elsewhere[slug] = (elsewhere[slug] || 0) + 1;
  }
  for (const { section } of sections) section.hidden = !section.querySelector("li:not([hidden])");
  const count = found.length, filtered = Object.keys(chosen).some((name) => chosen[name].length);
  none.hidden = count > 0;
  if (count === 0) explain(form && filtered, elsewhere, later.sort()[0]);
  if (showAll) showAll.hidden = !filtered;
  if (seeOngoing) seeOngoing.hidden = filtered;
  if (featured) {
    const cards = [...featured.children];
    for (const card of cards) card.hidden = Number(card.dataset.end) <= now;
    featured.hidden = filtered || cards.every((card) => card.hidden);
  }
  if (form) paint(search, counts, days, today);
  const text = say(count === 1 ? "count.one" : "count.other", { count });
  return search && search.corrected && count ? `${say("corrected", { words: search.corrected })} · ${text}` : text;
}

function searching(text) {
  if (!find) {
    for (const row of rows) row.hay = hayOf(row);
    find = searcher(rows);
  }
  return find(text);
}

// Says on a card which word of the description was found.
function explainHit(row, word) {
  if (!word && !row.why) return;
  row.why = row.why || row.item.appendChild(make("p", "", { class: "why" }));
  setText(row.why, word ? say("mentions", { word }) : "");
  row.why.hidden = !word;
}

const labelOf = (name, value) => {
  if (name === "q") return `“${value}”`;
  if (!KINDS.includes(name)) return site.texts[`chip.${value}`] || (isDay(value) ? dayName(value) : value);
  const [input] = [...form.elements].filter((each) => each.name === name && (each.options || each.value === value));
  const option = input && input.options ? [...input.options].find((each) => each.value === value) : null;
  return option ? option.text : input && !input.options ? input.parentNode.textContent.trim() : value;
};

// Without events, the page has its own text; without matches, the text names the filters and offers others.
function explain(filtered, elsewhere, later) {
  if (!filtered) {
    fill(none, ...emptyText);
    return;
  }
  const active = [];
  for (const name of ["category", "audience", "date", "time", "where", "places", "q", "branch"]) {
    for (const value of chosen[name]) active.push({ name, value, text: labelOf(name, value) });
  }
  const filters = active.filter(({ name }) => name !== "branch").map(({ text }) => text).join(", ");
  const branch = one("branch") && labelOf("branch", one("branch"));
  const key = branch ? (filters ? "no_match.at" : "no_match.branch") : "no_match";
  // The names are bold, wherever the sentence of the language puts them.
  const text = say(key, { filters: "\0f\0", branch: "\0b\0" }).split("\0")
    .map((piece) => (piece === "f" || piece === "b" ? make("b", piece === "f" ? filters : branch) : piece));
  const sentence = make("p", ""), chips = make("p", "", { class: "chips" });
  sentence.append(...text);
  for (const { name, value, text: label } of active) {
    chips.append(choice(`${label} ×`, name, value, { "aria-label": say("remove", { filter: label }) }));
  }
  const others = make("p", "", { class: "chips" });
  const places = Object.keys(elsewhere).filter((slug) => slug && form.elements.branch);
  if (later) others.append(choice(say("next_match", { day: dayName(later) }), "date", later));
  if (places.length) others.append(make("span", say("at_other")));
  for (const slug of places) others.append(choice(`${labelOf("branch", slug)} (${elsewhere[slug]})`, "branch", slug));
  fill(none, sentence, chips, others);
}

const choice = (text, name, value, attributes) => make("button", text, { type: "button", class: "chip", name, value, ...attributes });

// Shows the filters in the form and in the strip of days.
function paint(search, counts, days, today) {
  for (const button of form.querySelectorAll("button[name]")) {
    button.setAttribute("aria-pressed", chosen[button.name].includes(button.value) || Boolean(search && search[button.name] === button.value));
  }
  for (const pick of form.querySelectorAll("details[data-kind]")) {
    const { kind } = pick.dataset, summary = pick.querySelector("summary");
    for (const input of pick.querySelectorAll("input")) input.checked = chosen[kind].includes(input.value);
    pick.text = pick.text || summary.textContent;
    const name = chosen[kind].length ? labelOf(kind, one(kind)) : pick.text;
    setText(summary, chosen[kind].length > 1 ? say("more_chosen", { name, count: chosen[kind].length - 1 }) : name);
    summary.setAttribute("aria-label", chosen[kind].length ? `${pick.text}: ${summary.textContent}` : pick.text);
  }
  for (const day of strip ? strip.children : []) {
    const count = counts[day.dataset.day] || 0, date = day.dataset.day;
    day.hidden = date < today;
    if (day.querySelector("i")) setText(day.querySelector("i"), count ? String(count) : "");
    if (days && date >= days[0] && date <= days[1]) day.setAttribute("aria-current", "date");
    else day.removeAttribute("aria-current");
  }
}

function keepAddress() {
  const address = new URLSearchParams(location.search);
  for (const name of Object.keys(chosen)) {
    const [first, ...others] = chosen[name];
    if (first) address.set(name, first);
    else address.delete(name);
    for (const value of others) address.append(name, value);
  }
  const text = address.toString();
  history.replaceState(null, "", location.pathname + (text && `?${text}`) + location.hash);
}

let count = "";
let waiting;

// The list changes with every key. The address and the announced count wait for a pause: browsers limit
// changes of the address, and a screen reader should not read a count for every letter.
function changed() {
  const now = Date.now() / 1000;
  show(now);
  count = filter(now);
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    keepAddress();
    setText(counter, count);
  }, 300);
}

// Gets the index once, when a visitor begins to search. Without it, the search reads the cards.
let loading = null;
async function loadIndex() {
  try {
    await fetchFreshness();
    const answer = await fetch(new URL(freshness.search, new URL(site.status, location.href)));
    readIndex(await answer.json());
    find = null;
    if (one("q")) changed();
  } catch {
    loading = null;
  }
}

// The branch that the visitor chose, on this device.
const remembered = {
  get() {
    try {
      return localStorage.getItem("branch");
    } catch {
      return null;
    }
  },
  set(slug) {
    try {
      if (slug) localStorage.setItem("branch", slug);
      else localStorage.removeItem("branch");
    } catch {
      // The visitor allows no storage.
    }
  },
};

// Takes a filter on or off.
function toggle(name, value) {
  if (chosen[name].includes(value)) chosen[name] = chosen[name].filter((each) => each !== value);
  else chosen[name] = ["where", "audience", "category"].includes(name) ? [...chosen[name], value] : [value];
  if (name === "branch") form.elements.branch.value = one("branch");
  if (name === "q") form.elements.q.value = one("q");
  if (name === "date") picker.value = isDay(one("date")) ? one("date") : "";
  changed();
}

const picker = form && form.querySelector("input[type=date]");

function startForm() {
  const { q, branch } = form.elements;
  const yours = document.getElementById("yours");
  if (branch && !query.toString() && remembered.get() && branch.querySelector(`option[value="${CSS.escape(remembered.get())}"]`)) {
    chosen.branch = [remembered.get()];
    const change = make("button", say("change"), { type: "button" });
    change.addEventListener("click", () => {
      remembered.set("");
      toggle("branch", one("branch"));
      branch.focus();
    });
    fill(yours, `${say("your_branch", { branch: labelOf("branch", one("branch")) })} `, change);
    yours.hidden = false;
  }
  // A shared address may name a branch that has no events any more. Keep it, so that no event matches.
  if (branch && one("branch") && ![...branch.options].some(({ value }) => value === one("branch"))) {
    branch.add(new Option(one("branch"), one("branch")));
  }
  if (branch) branch.value = one("branch");
  q.value = one("q");
  picker.value = isDay(one("date")) ? one("date") : "";
  form.addEventListener("focusin", () => {
    loading = loading || loadIndex();
  });
  form.addEventListener("input", ({ target }) => {
    if (target.type === "checkbox") toggle(target.name, target.value);
    else {
      chosen[target.name] = [target.value.trim()].filter(Boolean);
      if (target === branch) {
        remembered.set(target.value);
        yours.hidden = true;
      }
      changed();
    }
  });
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    changed();
  });
  // Choices close when the visitor goes on, so that they cover nothing.
  for (const leave of ["click", "focusin"]) {
    document.addEventListener(leave, ({ target }) => {
      for (const pick of document.querySelectorAll(".pick[open]")) if (!pick.contains(target)) pick.open = false;
    });
  }
  // The browser may show only a part of a focused chip or day in its row.
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches(".chip[name]")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  document.addEventListener("click", (click) => {
    const button = click.target.closest("button[name]"), day = click.target.closest("#days a");
    if (day) {
      click.preventDefault();
      toggle("date", day.dataset.day);
    } else if (button) {
      const fromWords = button.getAttribute("aria-pressed") === "true" && !chosen[button.name].includes(button.value);
      if (fromWords) q.value = chosen.q[0] = "";
      if (fromWords) changed();
      else toggle(button.name, button.value);
      if (!button.isConnected) events.focus();
    }
  });
  document.addEventListener("keydown", (key) => {
    const open = key.key === "Escape" && document.querySelector(".pick[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  showAll.addEventListener("click", (click) => {
    click.preventDefault();
    remembered.set("");
    for (const name of Object.keys(chosen)) chosen[name] = [];
    form.reset();
    yours.hidden = true;
    changed();
    events.focus();
  });
  if (one("q")) loading = loadIndex();
  form.hidden = false;
}

function showHours(now) {
  for (const hours of site.hours || []) {
    const line = document.querySelector(`[data-hours="${hours.slug}"]`);
    const text = hoursNow(hours, now);
    line.hidden = !text;
    setText(line.querySelector("span"), text);
  }
}

if (form) startForm();
everyMinute((now) => {
  showHours(now);
  for (const notice of document.querySelectorAll(".closed")) notice.hidden = Number(notice.dataset.end) <= now;
  show(now);
  count = filter(now);
  if (counter) setText(counter, count);
});
// The controls above work only from here on.
document.documentElement.classList.add("scripted");
