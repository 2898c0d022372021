// Ordering a list by dragging a handle, or by Alt with an arrow key. [data-sort] is the list; an item's [data-handle] sends
// `step=to:place:name` when it was dropped elsewhere; its [data-up] and [data-down] are the buttons that do the same.
let held = null;

const middle = (item) => {
  const box = item.getBoundingClientRect();
  return box.top + box.height / 2;
};
const placeOf = (item) => [...item.parentElement.children].indexOf(item);

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-handle]");
  const item = handle?.closest("[data-sort] > *");
  if (!item || event.button || held) return;
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  held = { handle, item, from: placeOf(item) };
  item.classList.add("is-held");
});

document.addEventListener("pointermove", (event) => {
  if (!held) return;
  const { item } = held;
  // Move the neighbours and not the item: taking it out of the document would end the pointer's capture.
  while (item.nextElementSibling && event.clientY > middle(item.nextElementSibling)) {
    item.before(item.nextElementSibling);
  }
  while (item.previousElementSibling && event.clientY < middle(item.previousElementSibling)) {
    item.after(item.previousElementSibling);
  }
});

const drop = () => {
  if (!held) return;
  const { handle, item, from } = held;
  held = null;
  item.classList.remove("is-held");
  const place = placeOf(item);
  if (place === from) return;
  handle.setAttribute("hx-vals", JSON.stringify({ step: `to:${place}:${handle.dataset.handle}` }));
  htmx.trigger(handle, "dropped");
};
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);

document.addEventListener("keydown", (event) => {
  const item = event.altKey && event.target.closest?.("[data-sort] > *");
  const button = { ArrowUp: "[data-up]", ArrowDown: "[data-down]" }[event.key];
  if (!item || !button) return;
  event.preventDefault();
  item.querySelector(button)?.click();
});
