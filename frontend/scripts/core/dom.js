// Short names for what every module does with the document. Listeners sit on the document, so swapped content needs no setup.
export const root = document.documentElement;

export const $ = (selector, scope = document) => scope.querySelector(selector);
export const $$ = (selector, scope = document) => [...scope.querySelectorAll(selector)];

export const on = (name, act, options) => document.addEventListener(name, act, options);

/** Call `act(element, event)` for clicks inside an element that matches. */
export const clicked = (selector, act) =>
  on("click", (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

const TEXT_FIELDS = "input:not([type=checkbox],[type=radio],[type=range]),textarea,select,[contenteditable]";
export const isTextField = (element) => element?.closest?.(TEXT_FIELDS);

/** Have a screen reader say something, at once if `urgent`. */
export const announce = (text, urgent) => {
  const region = $(urgent ? "#alarm" : "#announce");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
};

export const mac = /mac|iphone|ipad/i.test(navigator.platform);
