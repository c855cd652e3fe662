
// A list of events: what is over goes, what is on now says so, and the filters work in place.
const events = document.getElementById("events");
const form = document.getElementById("find");
const counter = document.getElementById("count");
const none = document.getElementById("none");
const nothing = [...none.childNodes];
const query = new URLSearchParams(location.search);
const kinds = ["branch", "audience", "category"];

const sections = [...events.querySelectorAll("section")].map((section) => {
  const heading = section.querySelector("h2");
  return { section, heading, day: section.dataset.day, text: heading.textContent };
});
const cards = [...events.querySelectorAll("li")].map((item) => {
  const tag = item.querySelector(".tag");
  return { item, tag, fixed: item.classList.contains("off"), ongoing: !item.closest("[data-day]") };
});

// "Søndre" and "Café" are found by "sondre" and "cafe"; the letters are those that Unicode does not take apart.
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

// The time's part: phases, and "Today" and "Tomorrow".
function show(now) {
  for (const card of cards) {
    card.phase = phase(card.item, now);
    if (card.phase !== "now" || card.fixed || card.ongoing) continue;
    if (!card.tag) {
      card.tag = document.createElement("strong");
      card.item.querySelector("time").after(card.tag, "\n");
    }
    retag(card.tag, "now", nowText(card.item, now));
  }
  showDays(local(now).day);
}

function showDays(today) {
  // Noon plus a day is tomorrow, on the shortest and the longest day too.
  const tomorrow = new Date(Date.parse(`${today}T12:00Z`) + 86_400_000).toISOString().slice(0, 10);
  let own = sections.find(({ day }) => day === today);
  for (const { section, heading, day, text } of sections) {
    let key = { [today]: "today", [tomorrow]: "tomorrow" }[day];
    let name = text;
    // What began earlier and runs on stands under today, as in a list made this morning.
    const running = day < today ? cards.filter(({ item }) => section.contains(item) && runsOn(item, today)) : [];
    if (running.length && !own) {
      own = { section };
      key = "today";
      name = longDay.format(Date.parse(`${today}T12:00Z`));
    } else if (running.length && !section.contains(document.activeElement)) {
      // Else it would be moved from under the reader's fingers, and lose the focus.
      own.section.querySelector("ul").prepend(...running.map(({ item }) => item));
    }
    setText(heading, key ? say(key, { day: name }) : text);
  }
}

// An evening that ends in the small hours keeps its day (NIGHT_ENDS of scripts/rendering/dates.py).
function runsOn(item, today) {
  const end = local(ending(item) - 1);
  return end.day > today || (end.day === today && end.hour >= 6);
}

// The reader's part: what the filters leave.
function filter() {
  const chosen = (kind) => (form ? form.elements[kind]?.value : query.get(kind)) ?? "";
  const wanted = Object.fromEntries(kinds.map((kind) => [kind, chosen(kind)]));
  const search = form?.elements.q.value.trim() ?? "";
  const words = plain(search).split(/\s+/).filter(Boolean);
  let room = (!form && Number(query.get("limit"))) || Infinity;
  let count = 0;
  for (const card of cards) {
    const shown = card.phase !== "ended" && matches(card, wanted, words) && room-- > 0;
    card.item.hidden = !shown;
    count += shown;
  }
  for (const { section } of sections) section.hidden = !section.querySelector("li:not([hidden])");
  document.getElementById("to-ongoing")?.toggleAttribute("hidden", document.getElementById("ongoing").hidden);

  const filtered = Boolean(search || kinds.some((kind) => wanted[kind]));
  none.hidden = count > 0;
  if (count === 0) explain(form && filtered, wanted, search);
  document.getElementById("show-all")?.toggleAttribute("hidden", !filtered);
  return say(count === 1 ? "count.one" : "count.other", { count });
}

// Nothing at all and nothing for these filters are two different messages.
function explain(filtered, wanted, search) {
  if (!filtered) {
    none.replaceChildren(...nothing);
    return;
  }
  const name = (kind) => {
    const choice = form.elements[kind]?.selectedOptions[0];
    return wanted[kind] && choice.text;
  };
  const filters = [name("category"), name("audience"), search && `“${search}”`].filter(Boolean).join(", ");
  const branch = name("branch");
  const key = branch ? (filters ? "no_match.at" : "no_match.branch") : "no_match";
  // The names are set off in bold: whatever stands between the words of the sentence.
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

// The list follows each key at once; the address and the spoken count when the fingers rest
// (browsers limit how often an address may change, and nobody wants to hear each letter counted).
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
    // A filter that a shared address names and no event has any more still finds nothing.
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
everyMinute((now) => {
  show(now);
  count = filter();
  if (counter) setText(counter, count);
});
