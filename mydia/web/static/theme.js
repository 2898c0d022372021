// Before the first paint: where the system decides, the theme is the system's; and it follows while the page is open.
(() => {
  const root = document.documentElement, light = matchMedia("(prefers-color-scheme: light)");
  const apply = () => {
    if (!root.hasAttribute("data-system")) return;
    root.dataset.theme = light.matches ? "mydia-light" : "mydia-dark";
    document.querySelector("meta[name=theme-color]")?.setAttribute("content", light.matches ? "#f8f6f3" : "#151311");
  };
  light.addEventListener("change", apply);
  addEventListener("mydia:theme", apply);
  apply();
})();
