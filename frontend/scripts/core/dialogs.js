// Dialogs: what the server puts into #dialog is opened, and focus returns to where it came from.
import { $, $$, clicked, on } from "./dom.js";

let opener = null;
let tray;

/** Move the toasts into an open dialog: behind it they could not be clicked. */
export const placeToasts = () => {
  const home = $("#confirm[open]") || $("#dialog[open]") || document.body;
  tray ??= $("#toasts");
  if (tray && tray.parentElement !== home) home.append(tray);
};

const FIRST_FIELD = "[autofocus],.overflow-y-auto :is(input:not([type=hidden]),select,textarea)";

export const openDialog = (dialog) => {
  if (dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
  placeToasts();
  $(FIRST_FIELD, dialog)?.focus();
};

export const closeDialog = (dialog) => {
  if (dialog?.open) dialog.close();
};

/** End the streams of a dialog: each would hold one of the browser's six connections until its next event. */
const endStreams = (dialog) => {
  for (const element of $$("[id^=live-]", dialog)) {
    element._htmx?.sse?.reader?.cancel();
    element._htmx?.sse?.abortController?.abort();
  }
};

const forgetAddress = () => {
  const url = new URL(location);
  if (!url.searchParams.has("dialog")) return;
  url.searchParams.delete("dialog");
  url.searchParams.delete("for");
  history.replaceState(history.state, "", url);
};

/** Find the element that opened a dialog; the page may have been replaced meanwhile, so a link is found by its address. */
const findAgain = (element) => {
  if (!element || element.isConnected) return element;
  const href = element.getAttribute("href");
  return href && $$("#main a").find((link) => link.getAttribute("href") === href);
};

/** An entry of a menu that has closed cannot take the focus; its button can. */
const reachable = (element) => {
  const menu = element?.closest("[popover]:not(:popover-open)");
  return menu ? $(`[popovertarget="${menu.id}"]`) : element;
};

on(
  "close",
  (event) => {
    const back = reachable(findAgain(opener));
    opener = null;
    placeToasts();
    if (event.target.id === "dialog") {
      endStreams(event.target);
      event.target.replaceChildren();
      forgetAddress();
    }
    (back || $("#main"))?.focus({ preventScroll: !back });
  },
  true,
);

clicked("[data-close]", (button) => {
  const dialog = button.closest("dialog");
  if (dialog) closeDialog(dialog);
  else history.back();
});
on("mousedown", (event) => {
  if (event.target.matches?.("dialog.modal[open]")) closeDialog(event.target);
});
on("dialog-close", () => closeDialog($("#dialog")));
