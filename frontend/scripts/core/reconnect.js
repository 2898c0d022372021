// A page that waits for the server to restart: it goes on as soon as the server was away and answers again.
import { $ } from "./dom.js";

const EVERY_MS = 1000;
const AT_LATEST_MS = 20000;
let waiting = false;

const answers = async () => {
  try {
    return (await fetch("/health", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
};

/** Watch the server while the page names where to go afterwards (data-reconnect). */
export const waitForRestart = () => {
  if (waiting || !$("[data-reconnect]")) return;
  waiting = true;
  const since = Date.now();
  let wasAway = false;
  const look = async () => {
    const target = $("[data-reconnect]")?.dataset.reconnect;
    if (!target) return (waiting = false);
    const there = await answers();
    if (there && (wasAway || Date.now() - since > AT_LATEST_MS)) return location.assign(target);
    wasAway ||= !there;
    setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
};
