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

  const longRunning = ({ start, end, all_day }) => Date.parse(end) - Date.parse(start) > (all_day ? 2 : 3) * 864e5;

  function add(parent, name, text, href) {
    const made = parent.appendChild(document.createElement(name));
    made.textContent = text;
    if (href) made.href = href;
    return made;
  }

  customElements.define("events-display", class extends HTMLElement {
    async connectedCallback() {
      const branch = this.getAttribute("branch"), audience = this.getAttribute("audience");
      const answer = await fetch(new URL("events.json", site)).catch(() => null);
      if (!answer?.ok) return;
      const { events, timezone } = await answer.json();
      const today = new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format();
      const next = events.filter((event) => !over(event, today) && !longRunning(event)
        && (!branch || event.branch?.slug === branch)
        && (!audience || event.audiences.some(({ slug }) => slug === audience)));
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      const list = document.createElement("ul");
      list.lang = t.language;
      for (const event of next.slice(0, Number(this.getAttribute("limit")) || 5)) {
        const item = add(list, "li", "");
        const state = t[`status.${event.state || event.notice}`];
        const prefix = state ? `${state}: ` : "";
        const link = add(item, "a", prefix + (event.state ? "" : event.title), new URL(event.url, site));
        if (event.state) add(link, "s", event.title);
        const where = event.branch?.name ?? event.place;
        add(item, "span", [event.when, where].filter(Boolean).join(" · "));
      }
      const more = document.createElement("p");
      if (!next.length) add(more, "span", t.empty);
      add(more, "a", t.all_events, new URL(branch ? `branch/${branch}.html` : "{{ home }}", site));
      root.replaceChildren(list, more);
    }
  });
})();
