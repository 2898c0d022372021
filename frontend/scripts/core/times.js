// Relative times stay true while a page is open.
import { $$ } from "./dom.js";
import { relative } from "./relative.js";

setInterval(() => {
  if (document.hidden) return;
  for (const time of $$("time[data-relative]")) {
    const said = relative((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (said) time.textContent = said;
  }
}, 30000);
