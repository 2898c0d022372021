// The palette: search or jump to.
import { $, $$, clicked, on } from "./dom.js";
import { closeDialog, openDialog } from "./dialogs.js";

export const palette = () => $("#palette");
const options = () => $$("#palette-hits [role=option]");

export const openPalette = () => {
  if (!palette()) return;
  openDialog(palette());
  const field = $("input", palette());
  field.select();
  field.focus();
  htmx.trigger(field, "open");
};

const mark = (option) => {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  option?.scrollIntoView({ block: "nearest" });
  $("#palette input")?.setAttribute("aria-activedescendant", option?.id || "");
};

clicked("[data-palette]", openPalette);
clicked("#palette-hits button", () => closeDialog(palette()));

on("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target?.id === "palette-hits") mark(options()[0]);
});

on("keydown", (event) => {
  if (!event.target.closest?.("#palette")) return;
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    mark(all[(at + step + all.length) % all.length]);
  } else if (event.key === "Enter" && all[at]) {
    event.preventDefault();
    if ((event.ctrlKey || event.metaKey) && all[at].href) return open(all[at].href);
    closeDialog(palette());
    all[at].click();
  }
});
