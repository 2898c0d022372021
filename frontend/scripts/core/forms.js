// Small things about forms: sent once, passwords shown on request, values copied, parts opened and closed.
import { $, $$, announce, clicked, isTextField, on } from "./dom.js";

const SENT_FOR_MS = 15000;

on(
  "submit",
  (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
    const free = () => {
      delete form.dataset.sent;
      event.submitter?.removeAttribute("aria-busy");
    };
    form.addEventListener("htmx:finally:request", free, { once: true });
    setTimeout(free, SENT_FOR_MS);
  },
  true,
);

// A page from the browser's back cache is as it was when it was left.
addEventListener("pageshow", () => {
  for (const form of $$("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of $$("[aria-busy]", form)) button.removeAttribute("aria-busy");
  }
});

clicked("[data-reveal]", (button) => {
  const field = document.getElementById(button.dataset.reveal);
  const show = field.type === "password";
  field.type = show ? "text" : "password";
  button.setAttribute("aria-pressed", String(show));
});

clicked("[data-copy]", async (button) => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    announce("Copied");
  } catch {
    announce("The browser does not allow copying here", true);
  }
});

clicked("[data-toggle]", (button, event) => {
  event.preventDefault();
  const body = document.getElementById(button.dataset.toggle);
  if (!body) return;
  body.hidden = !body.hidden;
  button.setAttribute("aria-expanded", String(!body.hidden));
});

// Enter on a box or a radio chooses it. By itself it would send the whole form.
on("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || !box.matches?.("input[type=checkbox],input[type=radio]")) return;
  event.preventDefault();
  box.click();
});

/** Enable controls whose data-needs names something that is on the page. */
export const checkNeeds = () => {
  for (const control of $$("[data-needs]")) control.disabled = !$(control.dataset.needs);
};

// A second control for the same field, shown where the first has no room.
on(
  "change",
  (event) => {
    const name = event.target.dataset?.sets;
    const field = name && event.target.form.elements.namedItem(name);
    if (field) field.value = event.target.value;
  },
  true,
);

// Addresses of filtered lists name only what is set.
on("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (!sourceElement.matches?.("[data-tidy]") || !request.body) return;
  for (const [name, value] of [...request.body]) if (!value) request.body.delete(name);
});

/** Focus the field that the address names: /settings/general#f-name. */
export const focusNamedField = () => {
  const field = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (field && isTextField(field)) field.focus();
};
addEventListener("hashchange", focusNamedField);
