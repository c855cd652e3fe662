"use strict";
// Options in the address: screen.html?layout=slides&theme=light&rotate=15&distance=20. Other values are ignored.
const query = new URLSearchParams(location.search);
const choice = (name, ...values) => values.find((value) => value === query.get(name)) || values[0];
function number(name, least, most) {
  const value = Number(query.get(name) || NaN);
  return value >= least && value <= most ? value : undefined;
}

// A distance in feet, or in meters ("5m").
function feet() {
  const found = /^([\d.]+)(m?)$/.exec(query.get("distance"));
  const value = found ? Number(found[1]) * (found[2] ? 3.281 : 1) : 0;
  return value >= 5 && value <= 60 ? value : 15;
}

const root = document.documentElement;
const layout = choice("layout", "mixed", "agenda", "slides");
const only = choice("only", "", "next");
// Seconds for each page; 0 stays on the first page.
const rotate = query.get("rotate") === "0" ? 0 : number("rotate", 3, 3600);
// Seconds for which a player shows this page before it loads it again.
const slot = number("slot", 5, 3600);
root.dataset.theme = choice("theme", "dark", "light", "auto");
// 1 is right for a screen of 55 inches, read from 15 feet: an inch of letter for ten feet.
const wanted = (number("scale", 0.5, 2) || 1) * (feet() / 15) * (55 / (number("size", 15, 150) || 55));
const scale = Math.min(Math.max(wanted, 0.5), 2);
root.style.setProperty("--scale", scale);
