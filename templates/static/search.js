// Search: which events fit the words that a visitor types. The words of the events come from the index, which
// scripts/rendering/search.py describes, and from the cards.

// "sondre" finds "Søndre", and "cafe" finds "Café". Unicode does not decompose these letters.
const letters = { æ: "ae", ø: "o", ß: "ss", ł: "l", đ: "d", þ: "th", ð: "d" };
const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
  .replace(/[æøßłđþð]/g, (letter) => letters[letter]);
const wordsIn = (text) => text.split(/[^\p{L}\p{N}\p{M}]+/u).filter(Boolean);
const plain = (text) => wordsIn(fold(text)).join(" ");

// " story time  storytime ": spaces show where words begin, and two words may be typed as one.
function haystack(text) {
  const words = wordsIn(fold(text));
  return ` ${words.join(" ")}  ${words.slice(1).map((word, before) => words[before] + word).join(" ")} `;
}

const language = { endings: [], small: new Set(), synonyms: new Map(), times: new Map(), weekdays: new Map(), months: new Map() };
let index = new Map();

// Takes the index; `data` is its content.
function readIndex(data) {
  const details = data.texts.map(haystack);
  index = new Map(data.events.map(([id, words, text, ...facts]) => [
    id, { strong: haystack(words), weak: details[text], details: data.texts[text], facts },
  ]));
  language.endings = data.endings;
  language.small = new Set(data.small.map(plain));
  for (const group of data.synonyms.map((words) => words.map(plain))) {
    for (const word of group) language.synonyms.set(word, [...(language.synonyms.get(word) || []), ...group]);
  }
  for (const phrase of Object.keys(data.times)) language.times.set(plain(phrase), data.times[phrase]);
  data.weekdays.forEach((names, number) => {
    for (const name of names) for (const end of ["", "s"]) language.weekdays.set(plain(name) + end, number);
  });
  for (const all of [data.months, data.short_months]) {
    all.forEach((names, number) => {
      for (const name of names) language.months.set(plain(name), number + 1);
    });
  }
}

const dayAfter = (day, days) => new Date(Date.parse(`${day}T12:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
const weekdayOf = (day) => new Date(`${day}T12:00Z`).getUTCDay();

const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && Number.isFinite(Date.parse(text));

// The days of a date filter, as [first, last, hour at which the first begins]; null for any day.
function daysOf(date, today) {
  const weekday = weekdayOf(today);
  if (date === "today") return [today, today, 0];
  if (date === "tomorrow") return [dayAfter(today, 1), dayAfter(today, 1), 0];
  if (date === "week") return [today, dayAfter(today, 6), 0];
  if (date === "next-week") return [dayAfter(today, 8 - (weekday || 7)), dayAfter(today, 14 - (weekday || 7)), 0];
  // It begins on Friday at 17:00, and on a Sunday it is that day.
  if (date === "weekend" && weekday === 0) return [today, today, 0];
  if (date === "weekend") return weekday === 6 ? [today, dayAfter(today, 1), 0] : [dayAfter(today, 5 - weekday), dayAfter(today, 7 - weekday), 17];
  return isDay(date) ? [date, date, 0] : null;
}

// Whether an event at {day, hour} is in these days; the hour of an all-day event is -1.
const within = ([first, last, from], { day, hour }) => day >= first && day <= last && (day > first || hour < 0 || hour >= from);
const EVENING = 17;
const PARTS = { morning: [0, 12], afternoon: [12, EVENING], evening: [EVENING, 24], tonight: [EVENING, 24] };

// The words of time at `words[at]`: {length, date, time, fits(event, today)}, or null.
function timeAt(words, at) {
  for (let length = 4; length > 0; length--) {
    const name = language.times.get(words.slice(at, at + length).join(" "));
    if (!name || at + length > words.length) continue;
    const part = PARTS[name], date = name === "tonight" ? "today" : part ? "" : name;
    return {
      length, date, time: part && part[0] === EVENING ? "evening" : "",
      fits: (event, today) => (!part || (event.hour >= part[0] && event.hour < part[1]))
        && (name !== "weekends" || weekdayOf(event.day) % 6 === 0) && (!daysOf(date, today) || within(daysOf(date, today), event)),
    };
  }
  const weekday = language.weekdays.get(words[at]);
  if (weekday !== undefined) return { length: 1, fits: (event) => weekdayOf(event.day) === weekday };
  // "march 10", "10 march", "10 de marzo"
  const number = (word) => (/^\d{1,2}(st|nd|rd|th)?$/.test(word || "") ? parseInt(word, 10) : 0);
  const month = language.months.get(words[at]);
  const after = number(words[at + 1]);
  if (month && (after || words[at].length > 3)) return { length: after ? 2 : 1, fits: onDate(month, after) };
  const skipped = words[at + 1] === "de" ? 2 : 1;
  const later = number(words[at]) && language.months.get(words[at + skipped]);
  return later ? { length: skipped + 1, fits: onDate(later, number(words[at])) } : null;
}

const onDate = (month, number) => ({ day }) => Number(day.slice(5, 7)) === month && (!number || Number(day.slice(8)) === number);

// The forms of a word to look for; a space means that a word begins or ends there.
function formsOf(word) {
  const others = language.endings.filter(([end]) => word.endsWith(end) && word.length - end.length > 2)
    .map(([end, other]) => word.slice(0, word.length - end.length) + other);
  const synonyms = [word, ...others].reduce((all, each) => all.concat(language.synonyms.get(each) || []), []);
  return [` ${word}`, ...[...others, ...synonyms].map((each) => ` ${each} `)];
}

// What is searched: the `rows` of a list, each with strong and weak words. Returns a function for one search.
function searcher(rows) {
  const all = [...rows.map(({ hay }) => hay.strong), ...new Set(rows.map(({ hay }) => hay.weak))].join("\n");
  const vocabulary = new Set(all.split(/\s+/)), words = ` ${[...vocabulary].join(" ")} `;
  // A phrase is looked for in the texts, a word among the different words, which are far fewer.
  const exists = (form) => (form.trim().includes(" ") ? all : words).includes(form);

  function nearest(word) {
    if (word.length < 4) return "";
    let best = "", least = word.length < 6 ? 2 : 3;
    for (const known of vocabulary) {
      if (Math.abs(known.length - word.length) >= least) continue;
      const distance = changes(word, known, least);
      if (distance < least) [best, least] = [known, distance];
    }
    return best;
  }

  return (text) => {
    const typed = wordsIn(text), asked = typed.map(fold);
    const search = { terms: [], date: "", time: "", corrected: "" };
    const small = (word) => language.small.has(word), anyLarge = !asked.every(small);
    for (let at = 0; at < asked.length;) {
      const time = timeAt(asked, at), length = time ? time.length : 1;
      const word = asked.slice(at, at + length).join(" ");
      // What "movies for kids" finds need not have the word "for".
      if (!time && anyLarge && small(word)) {
        at += 1;
        continue;
      }
      let forms = time ? [` ${word}`] : formsOf(word);
      // "story time" also finds "storytime".
      for (const joined of [asked[at - 1] + word, word + asked[at + 1]]) forms.push(` ${joined}`);
      forms = forms.filter(exists);
      if (!forms.length && word.length > 3 && exists(word)) forms = [word];
      if (!forms.length && !time) {
        const other = nearest(word);
        if (other) {
          forms = [` ${other} `];
          typed[at] = other;
          search.corrected = typed;
        }
      }
      search.terms.push({ forms, fits: time && time.fits });
      if (time) Object.assign(search, { date: time.date || search.date, time: time.time || search.time });
      at += length;
    }
    if (search.corrected) search.corrected = search.corrected.join(" ");
    return search;
  };
}

// Whether a row fits a search: null if it does not, else the word that only its description has, or "".
function fitsSearch(row, { terms }, today) {
  let reason = "";
  for (const { forms, fits } of terms) {
    const has = (text) => forms.find((form) => text.includes(form));
    if ((fits && fits(row, today)) || has(row.hay.strong)) continue;
    const form = has(row.hay.weak);
    if (!form) return null;
    const [first] = plain(form).split(" ");
    reason = wordsIn(row.hay.details).find((word) => fold(word).startsWith(first)) || first;
  }
  return reason;
}

// The number of letters to change, add, remove or swap to get from one word to another; at most `limit`.
function changes(one, other, limit) {
  let before = [], row = [...Array(other.length + 1).keys()];
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] !== other[j - 1]));
      if (i > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    if (Math.min(...next) >= limit) return limit;
    [before, row] = [row, next];
  }
  return row[other.length];
}
