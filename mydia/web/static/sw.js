// Only for when Mydia cannot be reached: pages are asked for as ever, and a page that says so stands in for one that does not come.
// Nothing of the library is kept here. FILES and NAME are set by the server; another version brings another NAME.
const PAGE = "/offline",
  FILES = /*files*/ [],
  NAME = /*name*/ "";
self.addEventListener("install", (e) =>
  e.waitUntil(
    caches
      .open(NAME)
      .then((cache) => cache.addAll([PAGE, ...FILES]))
      .then(() => self.skipWaiting()),
  ),
);
self.addEventListener("activate", (e) =>
  e.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name);
      // Without it every page would wait for this script to start.
      await self.registration.navigationPreload?.enable();
      await self.clients.claim();
    })(),
  ),
);
const page = async (e) => {
  try {
    return (await e.preloadResponse) || (await fetch(e.request));
  } catch {
    return (await caches.match(PAGE)) || Response.error();
  }
};
self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.mode === "navigate") e.respondWith(page(e));
  else if (e.request.method === "GET" && url.origin === location.origin && FILES.includes(url.pathname))
    e.respondWith(caches.match(e.request).then((kept) => kept || fetch(e.request)));
});
