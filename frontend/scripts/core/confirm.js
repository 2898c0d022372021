// Confirmation: hx-confirm="sentence", with data-confirm-title, data-confirm-label and data-danger on the same element.
import { $, on } from "./dom.js";
import { openDialog } from "./dialogs.js";

on("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  const box = $("#confirm");
  const source = ctx.sourceElement;
  if (!box) return;
  event.preventDefault();
  $("#confirm-title").textContent = source.dataset.confirmTitle || "Are you sure?";
  $("[data-text]", box).textContent = ctx.confirm;
  const yes = $("[data-yes]", box);
  const danger = "danger" in source.dataset || source.classList.contains("btn-danger");
  yes.textContent = source.dataset.confirmLabel || source.textContent.trim() || "Continue";
  yes.className = `btn ${danger ? "btn-danger" : "btn-primary"}`;
  let confirmed = false;
  yes.onclick = () => {
    confirmed = true;
    box.close();
  };
  $("[data-no]", box).onclick = () => box.close();
  box.onclose = () => (confirmed ? issueRequest() : dropRequest());
  openDialog(box);
  $("[data-no]", box).focus();
});
