"""Render one page for each event and one list with Jinja2 alone, as a baseline for the generate bench.

Usage: python bare_jinja.py FOLDER

Reads FOLDER/events.json, writes FOLDER/public/.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from itertools import groupby
from pathlib import Path

from jinja2 import DictLoader, Environment

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{ title }}</title>
<h1>{{ title }}</h1>
<p><time datetime="{{ start }}">{{ when }}</time> {{ place }}, {{ branch }}</p>
{{ description|safe }}
</html>
"""
LIST = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Events</title>
<h1>Events</h1>
{% for day, events in days %}
<h2>{{ day }}</h2>
<ul>
{% for event in events %}
<li><h3><a href="event/{{ event.id }}.html">{{ event.title }}</a></h3>
<p><time datetime="{{ event.start }}">{{ event.time }}</time> {{ event.place }}, {{ event.branch }}</p>
<p>{{ event.excerpt }}</p></li>
{% endfor %}
</ul>
{% endfor %}
</html>
"""


def main(folder: Path) -> None:
    """Write FOLDER/public/."""
    events = json.loads((folder / "events.json").read_bytes())["events"]
    (folder / "public" / "event").mkdir(parents=True)
    jinja = Environment(loader=DictLoader({"page": PAGE, "list": LIST}), autoescape=True)
    page, listing = jinja.get_template("page"), jinja.get_template("list")
    for event in events:
        start = datetime.fromisoformat(event["start"])
        event["day"], event["time"] = f"{start:%A, %B %d}", f"{start:%H:%M}"
        event["when"] = f"{event['day']}, {event['time']}"
        event.setdefault("place", "")
        path = folder / "public" / "event" / f"{event['id']}.html"
        path.write_text(page.render(event), encoding="utf-8")
    days = [(day, list(found)) for day, found in groupby(events, key=lambda event: event["day"])]
    (folder / "public" / "index.html").write_text(listing.render(days=days), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
