// Before the first paint: follow the system's theme where the account does, also while the page is open.
const root = document.documentElement;
const light = matchMedia("(prefers-color-scheme: light)");

const apply = () => {
  if (!root.hasAttribute("data-system")) return;
  root.dataset.theme = light.matches ? "mydia-light" : "mydia-dark";
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", light.matches ? "#f8f6f3" : "#151311");
};

light.addEventListener("change", apply);
addEventListener("mydia:theme", apply);
apply();
