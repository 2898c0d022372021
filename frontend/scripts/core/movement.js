// Moving the focus through grids (arrows) and tables (j and k), and keeping it on a filter that was chosen.
import { $, $$ } from "./dom.js";

const nearest = (links, here, direction) => {
  const origin = here.getBoundingClientRect();
  let found;
  let shortest = Infinity;
  for (const link of links) {
    const box = link.getBoundingClientRect();
    const down = direction * (box.top - origin.top);
    const distance = down * 100 + Math.abs(box.left - origin.left);
    if (down > 4 && distance < shortest) {
      shortest = distance;
      found = link;
    }
  }
  return found;
};

const inGrid = (card, key) => {
  const links = $$(".pcard-title", card.closest("[data-grid]") || document);
  const here = $(".pcard-title", card);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const direction = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (direction) return nearest(links, here, direction);
  return step && links[links.indexOf(here) + step];
};

const FOCUSABLE = "a,button,input";
const inTable = (row, key) => {
  if (!row) return $(`[data-rows] tbody tr :is(${FOCUSABLE})`);
  const rows = $$("tbody tr", row.closest("table"));
  const next = rows[rows.indexOf(row) + (key === "j" ? 1 : -1)];
  return next && $(FOCUSABLE, next);
};

/** Move the focus for a key; returns whether it moved. */
export const moveFocus = ({ key, target }) => {
  const card = target.closest?.(".pcard");
  let next;
  if (card) next = inGrid(card, key);
  else if (key === "j" || key === "k") next = inTable(target.closest?.("[data-rows] tr"), key);
  next?.focus();
  return Boolean(next);
};

const FILTERS = ".filter,.seg a,.tabs-line a";
const ownText = (link) =>
  link.getAttribute("aria-label") ||
  [...link.childNodes].map((node) => node.nodeType === 3 && node.data.trim()).join("");
const groupOf = (link) => link.parentElement?.closest("[aria-label]")?.getAttribute("aria-label");

/** The control of the new page that stands for a filter or tab of the old one; if it is gone, its neighbour. */
export const sameControl = (source) => {
  const link = source.closest(FILTERS);
  if (!link) return undefined;
  const menu = link.closest("[popover]");
  if (menu) return $(`[popovertarget="${CSS.escape(menu.id)}"]`);
  const alike = (root) => $$(`:is(${FILTERS})`, root).filter((one) => groupOf(one) === groupOf(link));
  const now = alike($("#main"));
  const place = alike(link.getRootNode()).indexOf(link);
  return now.find((one) => ownText(one) === ownText(link)) || now[Math.min(place, now.length - 1)];
};

const labelOf = (element) => element.getAttribute("aria-label") || element.textContent.trim();
const alikeInMain = (held) => $$(held.tag, $("#main")).filter((one) => labelOf(one) === held.label);

/** Return what has the focus within the page, so that `restoreFocus` finds it after a swap that removes it. */
export const noteFocus = () => {
  const element = document.activeElement;
  if (!element?.matches("#main :is(a, button, summary)")) return undefined;
  const held = { tag: element.localName, label: labelOf(element) };
  return { ...held, place: alikeInMain(held).indexOf(element) };
};

/** Focus the button of the same name, of the next entry if its own is gone; otherwise the page itself. */
export const restoreFocus = (held) => {
  if (!held || document.activeElement !== document.body || $("dialog[open]")) return;
  const alike = alikeInMain(held);
  (alike[Math.min(held.place, alike.length - 1)] || $("#main")).focus({ preventScroll: true });
};
