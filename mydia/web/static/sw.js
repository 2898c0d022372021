// Shows a page that says so when Mydia cannot be reached. Everything else is fetched as always; nothing of the library is
// kept. The server fills in FILES and NAME; another version brings another NAME.
const PAGE = "/offline";
const FILES = ["%files%"];
const NAME = "%name%";

const install = async () => {
  const cache = await caches.open(NAME);
  await cache.addAll([PAGE, ...FILES]);
  await self.skipWaiting();
};

const activate = async () => {
  for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name);
  // Without preload every page would wait for this script to start.
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
};

const page = async (event) => {
  try {
    return (await event.preloadResponse) || (await fetch(event.request));
  } catch {
    return (await caches.match(PAGE)) || Response.error();
  }
};

const file = async (event) => (await caches.match(event.request)) || fetch(event.request);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.mode === "navigate") event.respondWith(page(event));
  else if (event.request.method === "GET" && url.origin === location.origin && FILES.includes(url.pathname)) {
    event.respondWith(file(event));
  }
});
