// What every page needs beyond HTML and htmx. Built into static/app.js by frontend/build.sh.
import { $, $$, announce, mac, on } from "./core/dom.js";
import { closeDialog, openDialog, placeToasts } from "./core/dialogs.js";
import { down, isStream } from "./core/connection.js";
import { checkNeeds, focusNamedField } from "./core/forms.js";
import { listenForChanges, retryLater } from "./core/live.js";
import { noteFocus, restoreFocus, sameControl } from "./core/movement.js";
import { waitForRestart } from "./core/reconnect.js";
import { clearSelection, redrawSelection } from "./core/selection.js";
import { showToast, watchNewToasts } from "./core/toasts.js";
import "./core/confirm.js";
import "./core/shortcuts.js";
import "./core/times.js";

/** Scroll a line of tabs that is too long for the screen to the current one. */
const showTab = (tab) => {
  const line = tab.parentElement;
  const hidden = tab.getBoundingClientRect().right - line.getBoundingClientRect().right;
  if (hidden > 0) line.scrollLeft += hidden + 16;
};

/** Set up what came with a page or a swap. */
const settle = () => {
  placeToasts();
  listenForChanges();
  watchNewToasts();
  const dialog = $("#dialog");
  if (dialog?.firstElementChild && !dialog.open) openDialog(dialog);
  for (const box of $$("[data-some]")) box.indeterminate = true;
  for (const tab of $$(".tabs-line [aria-current]")) showTab(tab);
  redrawSelection();
  checkNeeds();
  waitForRestart();
};

let page = location.pathname;
const arrived = (title, source) => {
  const elsewhere = location.pathname !== page;
  if (elsewhere) {
    page = location.pathname;
    clearSelection();
    closeDialog($("#dialog"));
  }
  for (const popover of $$("[popover]:popover-open")) popover.hidePopover();
  closeDialog($("#palette"));
  // The heading of a sorted column keeps the focus. Only an element with an id is surely the same after the swap.
  const kept = document.activeElement;
  if (elsewhere || !kept.id || !$("#main").contains(kept)) {
    const same = !elsewhere && source && sameControl(source);
    (same || $("#main [autofocus]") || $("#main")).focus({ preventScroll: true });
  }
  announce(title);
};

/** Request -> the link that was followed. After the swap, htmx names another element if the link is gone. */
const links = new WeakMap();
let held;
on("htmx:before:swap", ({ detail: { ctx } }) => {
  held = noteFocus();
  const link = ctx?.sourceElement?.closest?.("a");
  if (link) links.set(ctx, link);
});

on("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const link = ctx && links.get(ctx);
  settle();
  if (ctx?.response?.status === 422) $("[aria-invalid=true]")?.focus();
  const followed = location.pathname !== page || link;
  // htmx sets the title after this event.
  if (ctx?.target?.id === "main" && followed) arrived(ctx.title || document.title, link);
  restoreFocus(held);
});

on("htmx:error", (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (isStream(source)) down();
  else if (event.detail.error?.name === "AbortError") return;
  else if (source?.dataset?.reread) retryLater(source.id);
  else showToast({ title: "Mydia did not answer", text: "Check the connection and try again.", tone: "fail" });
});

on("DOMContentLoaded", () => {
  focusNamedField();
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
  if (mac) for (const hint of $$("[data-mod-k]")) hint.textContent = "⌘K";
  settle();
});
