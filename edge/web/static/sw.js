// Shows the page that takes photos while the device can't be reached: what is taken then waits in
// the outbox. The network comes first, always; what is kept is only for when there is none.
"use strict";

const SHELL = "edgecase-shell-1";
const HOME = "/";
const UNPAIRED = 401;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepAll().catch(() => {})); // what is missing is kept as it is asked for
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const page = request.mode === "navigate";
  if (page && url.pathname === HOME) event.respondWith(networkFirst(request, HOME));
  else if (url.pathname.startsWith("/static/")) event.respondWith(networkFirst(request, request.url));
  else if (page) event.respondWith(fetch(request).catch(() => Response.redirect(HOME)));
});

// The page and all that it asks for: it opens without the device from its first visit on.
async function keepAll() {
  const shell = await caches.open(SHELL);
  const page = await fetch(HOME, { headers: { Accept: "text/html" } });
  if (!page.ok) return; // nobody is paired yet
  await shell.put(HOME, page.clone());
  const asked = (await page.text()).matchAll(/(?:src|href)="(\/static\/[^"]+)"/g);
  await shell.addAll([...new Set(Array.from(asked, ([, path]) => path))]); // one that came twice is refused
}

async function networkFirst(request, key) {
  try {
    const answer = await fetch(request);
    const shell = await caches.open(SHELL);
    if (answer.status === UNPAIRED) await shell.delete(HOME); // what it showed is this phone's no more
    if (answer.ok && !answer.redirected) await shell.put(key, answer.clone());
    return answer;
  } catch (gone) {
    const kept = await caches.match(key);
    if (kept) return kept;
    throw gone;
  }
}
