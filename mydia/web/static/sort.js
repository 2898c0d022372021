// Ordering a list by its handles, or by Alt with an arrow key; loaded by the pages that have such a list.
// [data-sort] is the list; an item's [data-handle] sends `step=to:place:name` when it was dropped elsewhere, and its
// [data-up] and [data-down] are the buttons that do the same without dragging.
let held = null;
const middle = (item) => { const box = item.getBoundingClientRect(); return box.top + box.height / 2; };
document.addEventListener("pointerdown", (e) => {
  const handle = e.target.closest?.("[data-handle]"), item = handle?.closest("[data-sort] > *");
  if (!item || e.button || held) return;
  e.preventDefault(); handle.setPointerCapture(e.pointerId);
  held = { handle, item, from: [...item.parentElement.children].indexOf(item) };
  item.classList.add("is-held");
});
document.addEventListener("pointermove", (e) => {
  if (!held) return;
  const { item } = held;
  // The neighbours make way: taking the held one out of the document would end the pointer's capture.
  while (item.nextElementSibling && e.clientY > middle(item.nextElementSibling)) item.before(item.nextElementSibling);
  while (item.previousElementSibling && e.clientY < middle(item.previousElementSibling)) item.after(item.previousElementSibling);
});
const drop = () => {
  if (!held) return;
  const { handle, item, from } = held, place = [...item.parentElement.children].indexOf(item);
  held = null; item.classList.remove("is-held");
  if (place === from) return;
  handle.setAttribute("hx-vals", JSON.stringify({ step: `to:${place}:${handle.dataset.handle}` }));
  htmx.trigger(handle, "dropped");
};
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);
document.addEventListener("keydown", (e) => {
  const item = e.altKey && e.target.closest?.("[data-sort] > *"), way = { ArrowUp: "[data-up]", ArrowDown: "[data-down]" }[e.key];
  if (!item || !way) return;
  e.preventDefault(); item.querySelector(way)?.click();
});
