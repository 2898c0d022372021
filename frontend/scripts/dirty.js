// The bar "2 changes · Discard · Save" of a form. Leaving with unsaved changes asks first, also in a form without a bar
// that is marked data-guarded.
import { changedNames } from "./core/changes.js";

const bars = () => [...document.querySelectorAll("[data-dirty-of]")];
const guarded = () =>
  [...document.querySelectorAll("form[data-guarded]")].find((form) => changedNames(form.elements).length);
const unsaved = () => bars().find((bar) => !bar.hidden)?.dataset.dirtyOf || guarded()?.id;
const forget = () => {
  for (const bar of bars()) bar.remove();
  for (const form of document.querySelectorAll("form[data-guarded]")) delete form.dataset.guarded;
};

const draw = (form) => {
  const bar = form.id && document.querySelector(`[data-dirty-of="${form.id}"]`);
  if (!bar) return;
  const number = changedNames(form.elements).length + Number(bar.dataset.steps || 0);
  const refused = "refused" in bar.dataset;
  bar.hidden = !number && !refused;
  const said = number === 1 ? "1 change" : `${number} changes`;
  bar.querySelector("[data-dirty-count]").textContent = refused ? "Not saved" : said;
};

document.addEventListener("input", (event) => event.target.form && draw(event.target.form));
document.addEventListener("reset", (event) => setTimeout(() => draw(event.target)));

// Steps change a list of the form on the server: moving a quality up. Each is a change.
document.addEventListener("htmx:after:swap", (event) => {
  const form = event.detail.ctx?.target?.closest?.("form") ?? document.querySelector("#rungs")?.closest("form");
  if (event.detail.ctx?.target?.id !== "rungs" || !form) return;
  const bar = document.querySelector(`[data-dirty-of="${form.id}"]`);
  if (bar) bar.dataset.steps = Number(bar.dataset.steps || 0) + 1;
  draw(form);
});

let leaving = false;
document.addEventListener(
  "submit",
  (event) => (leaving = Boolean(event.target.id && unsaved() === event.target.id)),
  true,
);
addEventListener("pageshow", () => (leaving = false));
addEventListener("beforeunload", (event) => {
  if (unsaved() && !leaving) event.preventDefault();
});

const QUESTION = {
  title: "Leave without saving?",
  text: "This page has unsaved changes. They are lost if you leave.",
  yes: "Leave",
  no: "Stay",
  danger: true,
};

const leads = (link) =>
  link && !link.target && !link.hasAttribute("download") && new URL(link.href).pathname !== location.pathname;

document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a[href]:not([aria-haspopup=dialog])");
    if (event.ctrlKey || event.metaKey || event.shiftKey || !unsaved() || !leads(link)) {
      if (link && "discard" in link.dataset) leaving = true;
      return;
    }
    if ("discard" in link.dataset) {
      forget();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const answer = (confirmed) => {
      if (!confirmed) return;
      forget();
      link.click();
    };
    document.dispatchEvent(new CustomEvent("mydia:ask", { detail: { question: QUESTION, answer } }));
  },
  true,
);
