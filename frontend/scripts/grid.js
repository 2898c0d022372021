// The long grid: parts far from view are emptied and load again when they come near; letters jump to their part.
const emptyCopy = (chunk) => {
  const empty = chunk.cloneNode(false);
  empty.removeAttribute("data-htmx-powered");
  empty.classList.remove("is-failed");
  empty.setAttribute("hx-get", chunk.dataset.chunk);
  empty.setAttribute("hx-trigger", "intersect once rootMargin:1200px");
  return empty;
};

const evict = new IntersectionObserver(
  (entries) => {
    for (const { target: chunk, isIntersecting } of entries) {
      if (isIntersecting || !chunk.firstElementChild || !chunk.dataset.chunk) continue;
      const empty = emptyCopy(chunk);
      evict.unobserve(chunk);
      chunk.replaceWith(empty);
      htmx.process(empty);
      evict.observe(empty);
    }
  },
  { rootMargin: "6000px" },
);

const watched = new WeakSet();
const watch = () => {
  for (const chunk of document.querySelectorAll(".vchunk")) {
    if (watched.has(chunk)) continue;
    watched.add(chunk);
    evict.observe(chunk);
  }
};
document.addEventListener("htmx:after:swap", watch);
watch();

document.addEventListener("click", (event) => {
  const letter = event.target.closest?.("[data-jump-chunk]");
  const chunk = letter && document.querySelectorAll(".vchunk")[Number(letter.dataset.jumpChunk)];
  if (!chunk) return;
  event.preventDefault();
  chunk.scrollIntoView({ block: "start" });
});
