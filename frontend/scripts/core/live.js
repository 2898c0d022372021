// Lists that read themselves again when the stream says that something changed (data-reread="event names").
// htmx triggers cannot do this: they forget a waiting event when an answer changes the element.
import { $$, on } from "./dom.js";
import { Rereader } from "./rereader.js";

const RETRY_AFTER_MS = 3000;
const clock = { now: () => Date.now(), after: (act, ms) => setTimeout(act, ms) };

const intervalOf = (id) => {
  const element = document.getElementById(id);
  return element?.dataset.reread ? Number(element.dataset.rereadMs) || 1000 : null;
};
const rereader = new Rereader(clock, intervalOf, (id) => htmx.trigger(document.getElementById(id), "reread"));

export const retryLater = (id) => setTimeout(() => rereader.request(id), RETRY_AFTER_MS);

const heard = new Set();
const listen = (name) => {
  if (heard.has(name)) return;
  heard.add(name);
  on(name, () => {
    for (const element of $$(`[data-reread~="${name}"]`)) rereader.request(element.id);
  });
};

/** Listen for the events that lists of the page name. */
export const listenForChanges = () => {
  for (const element of $$("[data-reread]")) element.dataset.reread.split(" ").forEach(listen);
};

htmx.registerExtension("reread", {
  htmx_config_request: (element, { ctx }) => {
    if (!element.dataset?.reread) return;
    ctx.request.headers["HX-Reread"] = "true";
    ctx.asked = element.getAttribute("hx-get");
  },
  htmx_after_request: (element, { ctx }) => {
    if (!element.dataset?.reread) return;
    // Failed: keep what is shown, and try again unless the server refused. Late: the list is gone or shows something else.
    if (ctx.response.status >= 400) {
      if (ctx.response.status >= 500) retryLater(element.id);
      return false;
    }
    if (!element.isConnected || element.getAttribute("hx-get") !== ctx.asked) return false;
  },
  htmx_finally_request: (element) => {
    if (element.dataset?.reread) rereader.finished(element.id);
  },
});
