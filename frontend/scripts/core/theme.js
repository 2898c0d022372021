// The theme switch. Its form works without script; here the page changes at once and the server keeps the choice.
import { $, $$, on, root } from "./dom.js";

const show = (theme) => {
  root.toggleAttribute("data-system", theme === "system");
  if (theme !== "system") root.dataset.theme = theme;
  for (const button of $$("[data-theme-form] [name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  dispatchEvent(new Event("mydia:theme"));
  const color = root.dataset.theme === "mydia-light" ? "#f8f6f3" : "#151311";
  $("meta[name=theme-color]")?.setAttribute("content", color);
};

on(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("[data-theme-form]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const theme = event.submitter?.value || "system";
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", theme);
    show(theme);
    fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
  },
  true,
);

export const switchTheme = () => {
  const other = root.dataset.theme === "mydia-light" ? "mydia-dark" : "mydia-light";
  const form = $("[data-theme-form]");
  form?.requestSubmit($(`[value=${other}]`, form));
};
