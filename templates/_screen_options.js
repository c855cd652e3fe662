"use strict";
// Options in the address: screen.html?layout=slides&theme=light&rotate=15&scale=1.2. Other values are ignored.
const query = new URLSearchParams(location.search);
const choice = (name, ...values) => values.find((value) => value === query.get(name)) ?? values[0];
function number(name, least, most) {
  const value = Number(query.get(name) || NaN);
  return value >= least && value <= most ? value : undefined;
}

const root = document.documentElement;
const layout = choice("layout", "mixed", "agenda", "slides");
// Seconds for each page; 0 stays on the first page.
const rotate = query.get("rotate") === "0" ? 0 : number("rotate", 3, 3600);
root.dataset.theme = choice("theme", "dark", "light", "auto");
root.style.setProperty("--scale", number("scale", 0.5, 2) ?? 1);
