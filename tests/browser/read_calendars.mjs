// Usage: node read_calendars.mjs FILE.ics...
//
// Prints every event of the files as ical.js reads it, one JSON object a line. The VTIMEZONE of the file
// determines the times, since ical.js has no time zones of its own.

import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const when = (time) => time && (time.isDate ? time.toString() : time.toJSDate().toISOString());

for (const file of process.argv.slice(2)) {
  const calendar = new ICAL.Component(ICAL.parse(readFileSync(file, "utf8")));
  for (const component of calendar.getAllSubcomponents("vevent")) {
    const value = (name) => component.getFirstPropertyValue(name);
    const zone = value("dtstart").zone;
    console.log(
      JSON.stringify({
        file,
        uid: value("uid"),
        summary: value("summary"),
        status: value("status"),
        description: value("description"),
        start: when(value("dtstart")),
        end: when(value("dtend")),
        floating: !value("dtstart").isDate && zone === ICAL.Timezone.localTimezone,
        repeats: component.hasProperty("rrule"),
      }),
    );
  }
}
