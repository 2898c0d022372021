// The bar "2 changes · Discard · Save" of a form; leaving with changes asks.
import { changedNames } from "./core/changes.js";

const draw = (form) => {
  const bar = form.id && document.querySelector(`[data-dirty-of="${form.id}"]`);
  if (!bar) return;
  const number = changedNames(form.elements).length;
  bar.hidden = !number;
  bar.dataset.count = number;
  bar.querySelector("[data-dirty-count]").textContent = number === 1 ? "1 change" : `${number} changes`;
};

document.addEventListener("input", (event) => event.target.form && draw(event.target.form));
document.addEventListener("reset", (event) => setTimeout(() => draw(event.target)));
addEventListener("beforeunload", (event) => {
  const bars = [...document.querySelectorAll("[data-dirty-of]")];
  if (bars.some((bar) => !bar.hidden && Number(bar.dataset.count))) event.preventDefault();
});
