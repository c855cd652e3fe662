// The service worker of the lobby screens: a screen that starts without a network shows the last good page.
// It handles the screens, their images and status.json, and ignores other requests.
"use strict";

const PREFIX = "events-display screen";
const NAME = `${PREFIX} 1 ${registration.scope}`;
const ROOT = new URL(".", location).pathname;
const SCREEN = /^(index\.html|screen\.html|screen\/[^/]+\.html)?$/;
// In milliseconds. After that, the cached page is shown; a server that hangs would keep the screen dark.
const PATIENCE = 8000;

// The path below the site's root, or null for an address outside the site.
function pathOf(address) {
  const url = new URL(address, location);
  return url.origin === location.origin && url.pathname.startsWith(ROOT) ? url.pathname.slice(ROOT.length) : null;
}

const isScreen = (text) => text.includes('name="events-display-screen"') && /<\/html>\s*$/.test(text);

addEventListener("install", () => skipWaiting());

addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    // Caches of an earlier version. Another site on this host may have its own cache.
    if (name !== NAME && name.startsWith(PREFIX) && name.endsWith(` ${registration.scope}`)) await caches.delete(name);
  }
  await clients.claim();
})()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const path = pathOf(request.url);
  const opens = request.mode === "navigate";
  const from = opens ? path : request.referrer && pathOf(request.referrer);
  if (request.method !== "GET" || path === null || from === null || !SCREEN.test(from)) return;
  if (opens) event.respondWith(opened(event, path));
  else if (SCREEN.test(path)) event.respondWith(refreshed(event, path));
  else if (path === "status.json") event.respondWith(status(event));
  else if (path.startsWith("static/")) event.respondWith(image(event));
});

// Caches a screen, and deletes cached images that no cached screen uses. Errors (a full disk) are ignored.
async function keep(path, answer, text) {
  const cache = await caches.open(NAME);
  await cache.put(ROOT + path, answer);
  const kept = await cache.keys();
  const texts = [text];
  for (const { url } of kept) if (SCREEN.test(pathOf(url))) texts.push(await (await cache.match(url)).text());
  for (const { url } of kept) {
    const name = pathOf(url);
    if (name.startsWith("static/") && !texts.some((one) => one.includes(name))) await cache.delete(url);
  }
}

async function load(event, path) {
  const answer = await fetch(new Request(event.request, { cache: "no-store" }));
  const text = await answer.clone().text();
  const good = answer.ok && isScreen(text);
  if (good) event.waitUntil(keep(path, answer.clone(), text).catch(() => {}));
  return { answer, good };
}

// Opens a screen: from the network, else from the cache.
async function opened(event, path) {
  const kept = await caches.match(ROOT + path, { cacheName: NAME });
  if (!kept) return (await load(event, path)).answer;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const found = await Promise.race([load(event, path), late]).catch(() => {});
  if (found && found.good) return found.answer;
  // The home page is now the list, not a screen (HOME_PAGE): remove this worker.
  if (found && found.answer.ok && (path === "" || path === "index.html")) {
    event.waitUntil(registration.unregister());
    return found.answer;
  }
  return kept;
}

// A screen that asks for its next version must see errors, so no copy from the cache.
async function refreshed(event, path) {
  return (await load(event, path)).answer;
}

async function status(event) {
  const cache = await caches.open(NAME);
  const answer = await fetch(event.request).catch(() => null);
  if (answer && answer.ok) event.waitUntil(cache.put("status.json", answer.clone()).catch(() => {}));
  if (answer && answer.ok) return answer;
  return await cache.match("status.json") || answer || Response.error();
}

// The name of an image holds its digest, so a cached copy is always right.
async function image(event) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(event.request);
  if (kept) return kept;
  const answer = await fetch(event.request);
  if (answer.ok) event.waitUntil(cache.put(event.request, answer.clone()).catch(() => {}));
  return answer;
}
