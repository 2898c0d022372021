// The long grid: parts far from view are emptied again and come back when they are near; letters lead to their part.
const evict = new IntersectionObserver((seen) => {
  for (const { target: chunk, isIntersecting } of seen) {
    if (isIntersecting || !chunk.firstElementChild || !chunk.dataset.chunk) continue;
    const fresh = chunk.cloneNode(false);
    fresh.removeAttribute("data-htmx-powered"); fresh.classList.remove("is-failed");
    fresh.setAttribute("hx-get", chunk.dataset.chunk); fresh.setAttribute("hx-trigger", "intersect once rootMargin:1200px");
    evict.unobserve(chunk); chunk.replaceWith(fresh); htmx.process(fresh); evict.observe(fresh);
  }
}, { rootMargin: "6000px" });
const watched = new WeakSet();
const watch = () => { for (const chunk of document.querySelectorAll(".vchunk")) if (!watched.has(chunk)) { watched.add(chunk); evict.observe(chunk); } };
document.addEventListener("htmx:after:swap", watch);
watch();
document.addEventListener("click", (e) => {
  const letter = e.target.closest?.("[data-jump-chunk]"), to = letter && document.querySelectorAll(".vchunk")[+letter.dataset.jumpChunk];
  if (to) { e.preventDefault(); to.scrollIntoView({ block: "start" }); }
});
