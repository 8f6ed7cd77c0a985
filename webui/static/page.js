// Comforts of every page: an alert takes the focus for sure (autofocus alone is sometimes refused), and secrets can be
// shown while one types.
"use strict";

document.querySelector("[role=alert]")?.focus();

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // A secret sent from a text field would end up in the browser's memory of what was typed.
  field.form.addEventListener("submit", () => show(false));
}
