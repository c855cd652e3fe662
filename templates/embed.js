// <events-display branch="kilton" audience="teens" limit="5"><a href="...">Our events</a></events-display>
// lists the next events in the fonts of the surrounding page, which may set --events-link, --events-muted,
// --events-line and --events-gap. If the events cannot be loaded, the link inside the element stays.
(() => {
  const site = new URL(".", document.currentScript.src);
  const t = {{ texts | tojson }};
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:host{display:block}ul{list-style:none;margin:0;padding:0}
li{padding:var(--events-gap,.6em) 0;border-bottom:1px solid var(--events-line,#8886)}
a{color:var(--events-link,LinkText)}li a{font-weight:600}
span{display:block;color:var(--events-muted,inherit)}p{margin:.6em 0 0}`);

  // Whether an event has ended. The end of an all-day event is its last day; one without an end lasts an hour.
  function over({ start, end, all_day }, today) {
    return all_day ? end < today : Date.parse(end ?? start) + (end ? 0 : 36e5) <= Date.now();
  }

  function add(parent, name, text, href) {
    const made = parent.appendChild(document.createElement(name));
    made.textContent = text;
    made.dir = "auto";
    if (href) made.href = href;
    return made;
  }

  // branch="Main Library" is branch="main-library"; case and accents do not count.
  const same = (text, wanted) => !text.localeCompare(wanted, undefined, { sensitivity: "base" });
  const named = (group, wanted) => group && (same(group.slug, wanted) || same(group.name, wanted));

  customElements.define("events-display", class extends HTMLElement {
    async connectedCallback() {
      const [where, audience] = ["branch", "audience"].map((name) => this.getAttribute(name)?.trim());
      const answer = await fetch(new URL("events.json", site)).catch(() => null);
      if (!answer?.ok) return;
      const { events, closures = [] } = await answer.json();
      // The library's date: a browser may be older than the name of the zone.
      const now = Date.now(), offset = (t.offsets.filter(([from]) => from * 1e3 <= now).pop() ?? t.offsets[0])[1];
      const dayIn = (days) => new Date(now + offset * 1e3 + days * 864e5).toISOString().slice(0, 10);
      const today = dayIn(0);
      const ongoing = ({ exhibit, state, start }) => exhibit && !state && start < today;
      const found = events.filter((event) => !over(event, today)
        && (!where || named(event.branch, where))
        && (!audience || event.audiences.some((group) => named(group, audience))));
      const branch = events.find((event) => where && named(event.branch, where))?.branch.slug ?? where;
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      const list = document.createElement("ul");
      list.lang = t.language;
      // A stop-by program has one row, its next day.
      const rows = new Set();
      const next = found.filter((event) => !ongoing(event)
        && (!event.program || (!rows.has(event.program.id) && rows.add(event.program.id))));
      for (const event of next.slice(0, Number(this.getAttribute("limit")) || 5)) {
        const item = add(list, "li", "");
        const state = t[`status.${event.state || event.notice}`];
        const prefix = state ? `${state}: ` : "";
        const link = add(item, "a", prefix + (event.state ? "" : event.title), new URL(event.url, site));
        if (event.state) add(link, "s", event.title);
        const place = event.branch?.name ?? event.place;
        add(item, "span", [event.program?.when ?? event.when, place].filter(Boolean).join(" · "));
      }
      const notices = closures.filter(({ first, last, branches }) => last >= today && first <= dayIn(6)
        && (!branch || !branches.length || branches.includes(branch))).map(({ text }) => {
        const notice = document.createElement("p");
        add(notice, "strong", text);
        return notice;
      });
      const more = document.createElement("p");
      const exhibits = found.filter(ongoing);
      if (exhibits.length) add(more, "b", t["ongoing.heading"]);
      for (const { title, url } of exhibits) add(add(more, "span", ""), "a", title, new URL(url, site));
      if (!found.length) add(more, "span", t.empty);
      add(more, "a", t.all_events, new URL(branch ? `branch/${branch}.html` : "{{ home }}", site));
      root.replaceChildren(...notices, list, more);
    }
  });
})();
