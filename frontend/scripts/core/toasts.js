// Toasts close after five seconds, ten with an action, never while hovered or focused; failures stay until closed.
import { $, $$, announce, clicked, on } from "./dom.js";

const watch = (toast) => {
  if (toast.dataset.tone === "fail") return announce(toast.textContent, true);
  const shownMs = $("[data-action]", toast) ? 10000 : 5000;
  let timer;
  const leave = () => {
    toast.classList.add("is-leaving");
    setTimeout(() => toast.remove(), 200);
  };
  const start = () => (timer = setTimeout(leave, shownMs));
  const stop = () => clearTimeout(timer);
  for (const name of ["mouseenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["mouseleave", "focusout"]) toast.addEventListener(name, start);
  start();
};

/** Start the timers of toasts that came with a page. */
export const watchNewToasts = () => {
  for (const toast of $$("#toasts > :not([data-seen])")) {
    toast.dataset.seen = "";
    watch(toast);
  }
};

const actionOf = ({ action_label: label, action_href: href, action_posts: posts }) => {
  const action = document.createElement(posts ? "button" : "a");
  action.className = "btn btn-ghost btn-sm";
  action.textContent = label;
  action.dataset.action = "";
  if (posts) {
    action.type = "button";
    action.setAttribute("hx-post", href);
    action.setAttribute("hx-swap", "none");
  } else action.href = href;
  return action;
};

export const showToast = (toast) => {
  const { title = "", text = "", tone = "ok" } = toast;
  const box = $("#toast-template").content.firstElementChild.cloneNode(true);
  box.dataset.tone = tone;
  const mark = $("span", box);
  mark.className = `text-${tone}`;
  mark.replaceChildren(...$(`[data-tone=${tone}]`, $("#toast-icons").content).cloneNode(true).childNodes);
  $("p", box).textContent = title;
  if (text) {
    const line = document.createElement("p");
    line.className = "text-ink-3 text-xs";
    line.textContent = text;
    $("p", box).after(line);
  }
  if (toast.action_label) $("[data-dismiss]", box).before(actionOf(toast));
  $("#toasts").append(box);
  htmx.process(box);
  box.dataset.seen = "";
  watch(box);
};

clicked("[data-dismiss]", (button) => button.closest(".toastbox")?.remove());
clicked(".toastbox [data-action]", (action) => setTimeout(() => action.closest(".toastbox")?.remove(), 300));
on("toast", (event) => showToast(event.detail));
