// Usage: node read_feeds.mjs FILE...
//
// Prints every feed as feedsmith reads it, one JSON object a line: {"file", "format", "feed"}. Fails if a
// file is not a feed.

import { readFileSync } from "node:fs";
import { parseFeed } from "feedsmith";

for (const file of process.argv.slice(2)) {
  console.log(JSON.stringify({ file, ...parseFeed(readFileSync(file, "utf8")) }));
}
