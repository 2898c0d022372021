// Shows a page that says so when, and only when, Mydia cannot be reached. Everything else is fetched as always; nothing of the library is
// kept. The server fills in FILES and NAME; another version brings another NAME.
const PAGE = "/offline";
const HEALTH = "/health";
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

const reachable = async () => {
  try {
    // A proxy may redirect to its own sign-in page on another host, which is an answer too.
    await fetch(HEALTH, { cache: "no-store", redirect: "manual" });
    return true;
  } catch {
    return false;
  }
};

// The answer of a form cannot be shown again without sending the form again. Show the page of the form instead.
const formOf = async (request) => {
  for (const address of [request.url, request.referrer]) {
    if (!address.startsWith(location.origin)) continue;
    const found = await fetch(address, { redirect: "manual" });
    if (!found.ok && found.type !== "opaqueredirect") continue;
    // After the redirect the browser asks here again, with GET.
    return request.method === "GET" ? found : Response.redirect(address, 303);
  }
  return Response.redirect("/", 303);
};

const page = async (event) => {
  const { request } = event;
  try {
    // Going back to the answer of a form: the browser looks only in its cache, and such answers are not kept there.
    if (request.cache === "only-if-cached") return await formOf(request);
    return (await event.preloadResponse) || (await fetch(request));
  } catch {
    if (!(await reachable())) return (await caches.match(PAGE)) || Response.error();
    // The connection broke, but the server answers: reading can be repeated; for a form the browser shows its own error.
    return request.method === "GET" ? fetch(request) : Response.error();
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
