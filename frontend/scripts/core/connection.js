// The live connection: whether it is there, and coming back to it.
import { $$, announce, on, root } from "./dom.js";

const LOST_AFTER_MS = 5000;
let lost = null;

const show = (state) => {
  if (root.dataset.live === state) return;
  root.dataset.live = state;
  for (const mark of $$("[data-live-mark]")) mark.textContent = state === "lost" ? "Reconnecting" : "Live";
  if (state === "lost") announce("Connection lost. Reconnecting.", true);
};

const up = () => {
  clearTimeout(lost);
  lost = null;
  show("on");
};

export const down = () => {
  lost ??= setTimeout(() => show("lost"), LOST_AFTER_MS);
};

export const isStream = (element) => element?.id?.startsWith("live-");

const signIn = () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);

on("htmx:sse:after:connection", up);
on("htmx:sse:before:connection", (event) => {
  if (event.detail.connection.attempt > 0 && !document.hidden) down();
});
on("htmx:sse:error", (event) => (event.detail.status === 401 ? signIn() : down()));
on("session-ended", () => location.assign("/login"));

// htmx reconnects a stream that broke, but not one that never opened.
on("htmx:finally:request", (event) => {
  const element = event.detail.ctx?.sourceElement;
  if (!isStream(element) || element._htmx?.sse) return;
  down();
  setTimeout(() => element.isConnected && !element._htmx?.sse && htmx.process(element, true), 2000);
});
