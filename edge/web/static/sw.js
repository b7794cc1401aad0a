// Shows the page that takes photos while the device can't be reached: what is taken then waits in
// the outbox. The network comes first, always; what is kept is only for when there is none.
"use strict";

const SHELL = "edgecase-shell-1";
const HOME = "/";

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "forget") event.waitUntil(caches.delete(SHELL)); // somebody signed out
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const home = request.mode === "navigate" && url.pathname === HOME;
  if (home || url.pathname.startsWith("/static/")) event.respondWith(networkFirst(request, home ? HOME : request.url));
});

async function networkFirst(request, key) {
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) {
      const shell = await caches.open(SHELL);
      await shell.put(key, answer.clone());
    }
    return answer;
  } catch (gone) {
    const kept = await caches.match(key);
    if (kept) return kept;
    throw gone;
  }
}
