// What was changed in a form, beside Discard and Save; leaving with changes asks. Loaded by the pages that have such a form.
const drawDirty = (form) => {
  const bar = form.id && document.querySelector(`[data-dirty-of="${form.id}"]`); if (!bar) return;
  const fields = [...form.elements].filter((f) => f.name && f.type !== "hidden");
  const changes = fields.filter((f) => (f.type === "checkbox" || f.type === "radio" ? f.checked !== f.defaultChecked : f.options ? [...f.options].some((o) => o.selected !== o.defaultSelected) && f.selectedOptions[0] && !f.selectedOptions[0].defaultSelected : f.value !== f.defaultValue));
  const number = new Set(changes.map((f) => f.name)).size;
  bar.hidden = !number; bar.dataset.count = number; bar.querySelector("[data-dirty-count]").textContent = number === 1 ? "1 change" : `${number} changes`;
};
document.addEventListener("input", (e) => e.target.form && drawDirty(e.target.form));
document.addEventListener("reset", (e) => setTimeout(() => drawDirty(e.target)));
addEventListener("beforeunload", (e) => { if ([...document.querySelectorAll("[data-dirty-of]")].some((b) => !b.hidden && +b.dataset.count)) e.preventDefault(); });
