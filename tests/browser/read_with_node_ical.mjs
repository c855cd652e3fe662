// Usage: node read_with_node_ical.mjs FILE.ics...
//
// Prints id, start and end of every event of the files as node-ical reads it, one JSON object a line.
// node-ical takes the rules of a time zone from Node, and not from the VTIMEZONE of the file.

import { readFileSync } from "node:fs";
import ical from "node-ical";

const two = (number) => String(number).padStart(2, "0");
// The date of a day is its local midnight.
const dayOf = (time) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
const when = (time, kind) => time && (kind === "date" ? dayOf(time) : new Date(time).toISOString());

for (const file of process.argv.slice(2)) {
  for (const event of Object.values(ical.sync.parseICS(readFileSync(file, "utf8")))) {
    if (event.type !== "VEVENT") continue;
    const { uid, datetype, start, end } = event;
    console.log(JSON.stringify({ file, uid, start: when(start, datetype), end: when(end, datetype) }));
  }
}
