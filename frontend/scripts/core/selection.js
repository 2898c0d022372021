// Selecting in lists and grids, and the bar of actions for what is selected.
import { $, $$, clicked, on } from "./dom.js";
import { Chosen } from "./chosen.js";

export const chosen = new Chosen();
const boxes = (scope) => $$("input[data-select]", scope);
const scopeOf = (all) => all.closest("[data-select-scope]") || document;
const bar = () => $("#bulkbar");

const drawBar = (number, total) => {
  bar().hidden = number === 0;
  $("[data-selected-count]", bar()).textContent = `${number.toLocaleString("en")} selected`;
  const more = $("[data-select-filter]", bar());
  if (more) more.hidden = chosen.all || number >= total;
};

export const drawSelection = () => {
  const total = Number(bar()?.dataset.total || 0);
  const number = selectedCount();
  const shown = boxes();
  for (const box of shown) {
    box.checked = chosen.has(box.value);
    box.closest(".pcard,tr,li")?.classList.toggle("is-selected", box.checked);
  }
  for (const all of $$("input[data-select-all]")) {
    const inside = boxes(scopeOf(all));
    const selected = inside.filter((box) => box.checked).length;
    all.checked = selected > 0 && selected === inside.length;
    all.indeterminate = selected > 0 && !all.checked;
  }
  const selecting = chosen.active || number > 0;
  document.body.classList.toggle("is-selecting", selecting);
  document.body.classList.toggle("has-bulkbar", number > 0);
  for (const toggle of $$("[data-select-toggle]")) toggle.setAttribute("aria-pressed", String(selecting));
  if (bar()) drawBar(number, total);
};

export const selectedCount = () => chosen.count(Number(bar()?.dataset.total || 0));

export const redrawSelection = () => {
  if (bar() || boxes().length) drawSelection();
};

export const clearSelection = () => {
  chosen.clear();
  drawSelection();
};

export const selectShown = (selected = true, scope = document) => {
  for (const box of boxes(scope)) chosen.set(box.value, selected);
  drawSelection();
};

clicked("input[data-select]", (box, event) => {
  const order = boxes().map((one) => one.value);
  const ids = event.shiftKey ? chosen.range(order, box.value) : [box.value];
  for (const id of ids) chosen.set(id, box.checked);
  chosen.last = box.value;
  drawSelection();
});
clicked("input[data-select-all]", (box) => selectShown(box.checked, scopeOf(box)));
clicked("[data-select-toggle]", () => {
  if (chosen.open) return clearSelection();
  chosen.active = true;
  drawSelection();
});
clicked("[data-select-filter]", () => {
  chosen.chooseAll();
  drawSelection();
});
clicked("[data-select-clear]", clearSelection);
on("selection-clear", clearSelection);

// While selecting, a click on a poster selects it.
on(
  "click",
  (event) => {
    const link = event.target.closest?.(".pcard-title");
    if (!link || !document.body.classList.contains("is-selecting") || event.ctrlKey || event.metaKey) return;
    const box = $("input[data-select]", link.closest(".pcard"));
    if (!box) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    box.click();
  },
  true,
);

on("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const body = ctx.request.body;
  if (!body || !ctx.sourceElement.closest?.("#bulkbar,[data-with-selection]")) return;
  body.delete("ids");
  for (const [name, value] of chosen.fields(bar()?.dataset.filter || location.search)) body.append(name, value);
});
