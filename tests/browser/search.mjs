// Usage: node search.mjs SCRIPT... < {site, index, now, queries}
// Runs the search of the list without a page: prints for each query the rows found, its dates and its spelling.
import { readFileSync } from "node:fs";

const { site, index, now, queries } = JSON.parse(readFileSync(0, "utf8"));
globalThis.document = { getElementById: () => ({ textContent: JSON.stringify(site) }) };
const source = process.argv.slice(2).map((path) => readFileSync(path, "utf8")).join("\n");
const run = new Function("data", "now", "queries", `${source}
  readIndex(data);
  const today = local(now).day;
  const rows = [...index].filter(([, entry]) => entry.facts.length).map(([id, hay]) => {
    const { day, hour } = local(hay.facts[0].split("-")[0]);
    return { id, hay, day: day < today ? today : day, hour };
  });
  const find = searcher(rows);
  return queries.map((query) => {
    const search = find(query);
    const hits = rows.map((row) => [row.id, fitsSearch(row, search, today)]).filter(([, reason]) => reason !== null);
    return { found: Object.fromEntries(hits), date: search.date, time: search.time, corrected: search.corrected };
  });`);
process.stdout.write(JSON.stringify(run(index, now, queries)));
