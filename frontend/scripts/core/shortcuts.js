// Keyboard shortcuts. Global ones are here; a page's own are data-key on the control they press, or data-focus-key on a
// field, with data-key-label for the list that "?" opens.
import { $, $$, clicked, isTextField, mac, on } from "./dom.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { moveFocus } from "./movement.js";
import { openPalette, palette } from "./palette.js";
import { chosen, clearSelection, selectShown } from "./selection.js";
import { switchTheme } from "./theme.js";

const PLACES = {
  h: "/",
  m: "/movies",
  s: "/shows",
  c: "/calendar",
  w: "/wanted",
  a: "/activity",
  i: "/imports",
  y: "/system",
  ",": "/settings",
};
const SIGNS = { ArrowLeft: "←", ArrowRight: "→" };
const PREFIX_MS = 1500;
const placeLink = (letter) => PLACES[letter] && $(`#nav a[href="${PLACES[letter]}"]`);
let prefixAt = 0;

const labelOf = (element) =>
  element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim();

const keyOf = (element) => element.dataset.key || element.dataset.focusKey;

const rows = () => [
  [mac ? "⌘ K" : "Ctrl K", "Search or jump to"],
  ["?", "Show this list"],
  ["t", "Switch theme"],
  ["Esc", "Close, or clear the selection"],
  ...Object.keys(PLACES)
    .filter(placeLink)
    .map((letter) => [`g ${letter}`, $("span", placeLink(letter)).textContent]),
  ...($("[data-rows] tbody tr") ? [["j k", "Next and previous row of a table"]] : []),
  ...($("input[data-select]")
    ? [
        ...($("[data-key=x]") ? [] : [["x", "Select the row or poster in focus"]]),
        ["Shift", "Select up to here, with a click"],
      ]
    : []),
  ...($("[data-grid]") ? [["← ↑ → ↓", "Move between posters"]] : []),
  ...$$("[data-key],[data-focus-key]")
    .filter((element) => keyOf(element) && labelOf(element) && element.checkVisibility())
    .map((element) => [SIGNS[keyOf(element)] || keyOf(element), labelOf(element)]),
];

const showSheet = () => {
  const dialog = $("#dialog");
  const box = $("#sheet-template").content.firstElementChild.cloneNode(true);
  const list = $("dl", box);
  const [term, description] = list.children;
  list.replaceChildren();
  for (const [key, label] of rows()) {
    $("kbd", term).textContent = key;
    description.textContent = label;
    list.append(term.cloneNode(true), description.cloneNode(true));
  }
  dialog.replaceChildren(box);
  openDialog(dialog);
};
clicked("[data-shortcuts]", showSheet);

const save = () => {
  const bar = $("[data-dirty-of]:not([hidden])");
  if (bar) $("[type=submit]", bar).click();
  return bar;
};

/** Keys with Ctrl or ⌘; returns whether one was used. */
const withModifier = (key) => {
  if (key === "k") {
    if (palette()?.open) closeDialog(palette());
    else openPalette();
    return true;
  }
  return key === "s" && save();
};

const focusField = (key, scope) => {
  const field = $(`[data-focus-key="${CSS.escape(key)}"]`, scope);
  field?.focus();
  field?.select?.();
  return field;
};

const ACTIVATED_BY_ENTER = "a[href],button,input,select,textarea,summary,label,[tabindex]:not([tabindex='-1'])";

/** Press the control that a key stands for. Enter and space belong to whatever has the focus. */
const press = ({ key, target }, scope) => {
  if ((key === "Enter" || key === " ") && target.closest?.(ACTIVATED_BY_ENTER)) return false;
  const control = $(`[data-key="${CSS.escape(key)}"]`, scope);
  if (!control || control.disabled) return false;
  control.click();
  // A chosen radio leaves the focus with the page, so that Enter confirms the choice.
  if (control.type === "radio") $("#main").focus({ preventScroll: true });
  else control.focus();
  return true;
};

/** The releases of a search: arrows move, Enter grabs, space shows the reasons. */
const amongReleases = (event, dialog) => {
  const releases = $$("[data-release]", dialog);
  const here = event.target.closest?.("[data-release]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!releases.length) return false;
  if (step) {
    const next = releases[Math.max(0, Math.min(releases.length - 1, releases.indexOf(here) + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }
  if (event.target !== here) return false;
  if (event.key === "Enter") $("[data-grab]", here)?.click();
  else if (event.key === " ") {
    const reasons = $("[data-why]", here);
    if (reasons) reasons.open = !reasons.open;
  } else return false;
  return true;
};

const selectFocused = (element) => {
  const around = element.closest?.(".pcard,tr");
  const box = around && $("input[data-select]", around);
  box?.click();
  return box;
};

const globally = (event) => {
  const { key, target } = event;
  if (Date.now() - prefixAt < PREFIX_MS) {
    prefixAt = 0;
    placeLink(key)?.click();
    return true;
  }
  if (key === "g") prefixAt = Date.now();
  else if (key === "?") showSheet();
  else if (key === "t") switchTheme();
  else if (key === "x") return selectFocused(target);
  else return moveFocus(event);
  return true;
};

on("keydown", (event) => {
  const { key, target } = event;
  const modified = event.ctrlKey || event.metaKey;
  if (modified && withModifier(key.toLowerCase())) return event.preventDefault();
  if (key === "Escape" && !$("dialog[open],:popover-open") && chosen.open) return clearSelection();
  if (isTextField(target) || event.altKey || $("dialog[open]:not(#dialog)")) return;
  if (modified) {
    if (key !== "a" || !document.body.classList.contains("is-selecting")) return;
    event.preventDefault();
    return selectShown();
  }
  const dialog = $("#dialog[open]");
  // Within a table j and k move between its rows, whatever else they stand for on the page.
  if (!dialog && "jk".includes(key) && target.closest?.("[data-rows] tbody tr") && moveFocus(event)) {
    return event.preventDefault();
  }
  const used = dialog
    ? press(event, dialog) || amongReleases(event, dialog) || focusField(key, dialog)
    : (Date.now() - prefixAt >= PREFIX_MS && (press(event) || focusField(key))) || globally(event);
  if (used) event.preventDefault();
});
