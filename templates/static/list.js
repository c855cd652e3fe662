
// A list of events: hides ended events, tags events that are on now, and filters without a reload.
const events = document.getElementById("events");
const form = document.getElementById("find");
const counter = document.getElementById("count");
const none = document.getElementById("none");
const emptyText = [...none.childNodes];
const query = new URLSearchParams(location.search);
const kinds = ["branch", "audience", "category"];

const sections = [...events.querySelectorAll("section")].map((section) => {
  const heading = section.querySelector("h2");
  return { section, heading, day: section.dataset.day, text: heading.textContent };
});
const cards = [...events.querySelectorAll("li")].map((item) => {
  const tag = item.querySelector(".tag");
  const calledOff = item.matches(".off") || Boolean(tag?.matches(".library-closed"));
  return { item, tag, time: item.querySelector("time"), calledOff };
});

// "sondre" finds "Søndre", and "cafe" finds "Café". Unicode does not decompose these letters.
const letters = { æ: "ae", ø: "o", ß: "ss", ł: "l", đ: "d", þ: "th", ð: "d" };
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
  .replace(/[æøßłđþð]/g, (letter) => letters[letter]);

function matches(card, wanted, words) {
  const has = (kind) => !wanted[kind] || (card.item.dataset[kind] ?? "").split(" ").includes(wanted[kind]);
  if (!kinds.every(has)) return false;
  card.text ??= words.length ? plain(card.item.textContent) : undefined;
  return words.every((word) => card.text.includes(word));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Updates all that depends on the time: phases, places in the list, and the headings "Today" and "Tomorrow".
function show(now) {
  const { day: today } = local(now);
  for (const card of cards) {
    card.phase = phase(card.item, now);
    const on = isOn(card.item, now) && !card.calledOff;
    if (on && !card.tag) {
      card.tag = document.createElement("strong");
      card.time.after(card.tag, "\n");
    }
    if (on) retag(card.tag, "now", nowText(card.item, now));
    // A stop-by program is on again on another day.
    else if (card.tag?.matches(".now")) {
      card.tag.remove();
      card.tag = null;
    }
    place(card, today);
  }
  cards.sort((a, b) => (a.item.compareDocumentPosition(b.item) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  showDays(today);
}

// Moves an event to where a list made today has it: events that began earlier and still run go under today,
// exhibits to the ongoing ones, a stop-by program to its next day.
function place({ item, phase, time }, today) {
  const first = local(item.dataset.start).day;
  const running = first < today && runsOn(item, today);
  if (phase === "ended") return;
  const home = running && "exhibit" in item.dataset ? sections.find(({ day }) => !day) : sectionOf(running ? today : first);
  // Moving an event would take the focus from it, so wait.
  if (home.section.contains(item) || item.contains(document.activeElement)) return;
  if (running && item.dataset.later) time.textContent = item.dataset.later;
  const start = Number(item.dataset.start);
  const next = [...home.section.querySelectorAll("li")].find((other) => Number(other.dataset.start) > start);
  home.section.querySelector("ul").insertBefore(item, next ?? null);
}

// The section of a day; a new one if the list has none.
function sectionOf(day) {
  const known = sections.find((each) => each.day === day);
  if (known) return known;
  const position = sections.findIndex((each) => each.day > day);
  const made = { section: document.createElement("section"), heading: document.createElement("h2"), day, text: dayName(day) };
  made.section.dataset.day = day;
  made.section.append(made.heading, document.createElement("ul"));
  events.insertBefore(made.section, sections[position]?.section ?? null);
  sections.splice(position < 0 ? sections.length : position, 0, made);
  return made;
}

function showDays(today) {
  // Noon plus 24 hours is tomorrow, also on the days when the clocks change.
  const tomorrow = new Date(Date.parse(`${today}T12:00Z`) + 86_400_000).toISOString().slice(0, 10);
  for (const { heading, day, text } of sections) {
    const key = { [today]: "today", [tomorrow]: "tomorrow" }[day];
    setText(heading, key ? say(key, { day: text }) : text);
  }
}

// An event that ends before 6am belongs to the day before (NIGHT_ENDS in scripts/rendering/dates.py).
function runsOn(item, today) {
  const end = local(ending(item) - 1);
  return end.day > today || (end.day === today && end.hour >= 6);
}

// Shows the events that match the filters; returns the text of their number.
function filter() {
  const chosen = (kind) => (form ? form.elements[kind]?.value : query.get(kind)) ?? "";
  const wanted = Object.fromEntries(kinds.map((kind) => [kind, chosen(kind)]));
  const search = form?.elements.q.value.trim() ?? "";
  const words = plain(search).split(/\s+/).filter(Boolean);
  let room = (!form && Number(query.get("limit"))) || Infinity;
  let count = 0;
  for (const card of cards) {
    // The limit of an embedded list does not count the ongoing ones.
    const counted = !card.item.closest("#ongoing");
    const shown = card.phase !== "ended" && matches(card, wanted, words) && (!counted || room-- > 0);
    card.item.hidden = !shown;
    count += shown;
  }
  for (const { section } of sections) section.hidden = !section.querySelector("li:not([hidden])");

  const filtered = Boolean(search || kinds.some((kind) => wanted[kind]));
  none.hidden = count > 0;
  if (count === 0) explain(form && filtered, wanted, search);
  document.getElementById("show-all")?.toggleAttribute("hidden", !filtered);
  return say(count === 1 ? "count.one" : "count.other", { count });
}

// Without events, the page has its own text; without matches, the text names the filters.
function explain(filtered, wanted, search) {
  if (!filtered) {
    none.replaceChildren(...emptyText);
    return;
  }
  const name = (kind) => {
    const choice = form.elements[kind]?.selectedOptions[0];
    return wanted[kind] && choice.text;
  };
  const filters = [name("category"), name("audience"), search && `“${search}”`].filter(Boolean).join(", ");
  const branch = name("branch");
  const key = branch ? (filters ? "no_match.at" : "no_match.branch") : "no_match";
  // The names are bold, wherever the sentence of the language puts them.
  none.replaceChildren(...say(key, { filters: "\0f\0", branch: "\0b\0" }).split("\0").map((piece) => {
    if (piece !== "f" && piece !== "b") return piece;
    const bold = document.createElement("b");
    bold.textContent = piece === "f" ? filters : branch;
    return bold;
  }));
}

function keepAddress() {
  const address = new URLSearchParams(location.search);
  for (const { name, value } of form.elements) {
    if (value.trim()) address.set(name, value.trim());
    else address.delete(name);
  }
  const text = address.toString();
  history.replaceState(null, "", location.pathname + (text && `?${text}`) + location.hash);
}

let count = "";
let waiting;

// The list changes with every key. The address and the announced count wait for a pause: browsers limit
// changes of the address, and a screen reader should not read a count for every letter.
function changed() {
  count = filter();
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    keepAddress();
    setText(counter, count);
  }, 300);
}

if (form) {
  for (const { name, options } of [...form.elements]) {
    const value = query.get(name) ?? "";
    // A shared address may name a filter that no event has any more. Keep it, so that no event matches.
    if (options && value && ![...options].some((option) => option.value === value)) {
      form.elements[name].add(new Option(value, value));
    }
    form.elements[name].value = value;
  }
  form.addEventListener("input", changed);
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    changed();
  });
}
function showHours(now) {
  for (const hours of site.hours || []) {
    const line = document.querySelector(`[data-hours="${hours.slug}"]`);
    const text = hoursNow(hours, now);
    line.hidden = !text;
    setText(line.querySelector("span"), text);
  }
}

everyMinute((now) => {
  showHours(now);
  for (const notice of document.querySelectorAll(".closed")) notice.hidden = Number(notice.dataset.end) <= now;
  show(now);
  count = filter();
  if (counter) setText(counter, count);
});
