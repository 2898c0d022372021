// Confirmation: hx-confirm="sentence", with data-confirm-title, data-confirm-label and data-danger on the same element.
// "{count}" in the title becomes what is selected, e.g. "3 movies" with data-confirm-noun="movie".
import { $, on } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { selectedCount } from "./selection.js";

/** Ask in a dialog; `answer(confirmed)` is called once. */
export const ask = ({ title, text, yes, no = "Cancel", danger }, answer) => {
  const box = $("#confirm");
  $("#confirm-title").textContent = title;
  $("[data-text]", box).textContent = text;
  const confirm = $("[data-yes]", box);
  const cancel = $("[data-no]", box);
  confirm.textContent = yes;
  confirm.className = `btn ${danger ? "btn-danger" : "btn-primary"}`;
  cancel.textContent = no;
  let confirmed = false;
  confirm.onclick = () => {
    confirmed = true;
    box.close();
  };
  cancel.onclick = () => box.close();
  box.onclose = () => answer(confirmed);
  openDialog(box);
  cancel.focus();
};

const counted = (noun) => {
  const count = selectedCount();
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
};

on("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  const source = ctx.sourceElement;
  if (!$("#confirm")) return;
  event.preventDefault();
  const { confirmTitle = "Are you sure?", confirmLabel, confirmNoun = "title" } = source.dataset;
  const question = {
    title: confirmTitle.replace("{count}", counted(confirmNoun)),
    text: ctx.confirm,
    yes: confirmLabel || source.textContent.trim() || "Continue",
    danger: "danger" in source.dataset || source.classList.contains("btn-danger"),
  };
  ask(question, (confirmed) => (confirmed ? issueRequest() : dropRequest()));
});

// Leaving a page with unsaved changes (dirty.js) asks in the same dialog.
on("mydia:ask", (event) => ask(event.detail.question, event.detail.answer));
