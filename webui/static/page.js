// Comforts of every page: what has happened takes the focus for sure (autofocus alone is sometimes refused), an impatient
// second click does nothing, secrets can be shown while one types, and locked capitals are told.
"use strict";

const IMPATIENCE_MILLISECONDS = 5000;
let sent = new WeakMap();

document.querySelector("[autofocus]")?.focus();

// The page that answered a form stands in the history as a page to look at: back and reload do not offer to send again.
history.replaceState(null, "");

// Another language opens the page anew; what was typed goes along, once, in this tab alone, and never a secret.
const TYPED = "typed";
const languages = document.querySelector(".service form");
const readable = [
  ...document.querySelectorAll("main :is(input:not([type=hidden], [type=password], [type=radio], [readonly]), select, textarea)"),
];

languages?.addEventListener("submit", () => {
  sessionStorage.setItem(TYPED, JSON.stringify(readable.map(({ id, value }) => [id, value])));
});
for (const [id, value] of JSON.parse(sessionStorage.getItem(TYPED) ?? "[]")) {
  const field = readable.find((input) => input.id === id);
  if (field && !field.value) field.value = value;
}
sessionStorage.removeItem(TYPED);

addEventListener("submit", (event) => {
  if (event.timeStamp - sent.get(event.target) < IMPATIENCE_MILLISECONDS) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});
addEventListener("pageshow", () => (sent = new WeakMap())); // who comes back may send again

for (const field of document.querySelectorAll("[aria-invalid]")) {
  const forget = () => {
    document.getElementById(`${field.id}-errors`).remove(); // it spoke of what was typed before
    field.removeAttribute("aria-invalid");
  };
  field.addEventListener("input", forget, { once: true });
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const [show, hide] = button.children;
  const asked = field.autocomplete;
  const reveal = (shown) => {
    field.type = shown ? "text" : "password";
    // What stands in a text field is kept on the disk with the open tabs, unless it is off.
    field.autocomplete = shown ? "off" : asked;
    [show.hidden, hide.hidden] = [shown, !shown];
  };
  button.hidden = false;
  button.addEventListener("click", () => reveal(field.type === "password"));
  field.addEventListener("reveal", (event) => reveal(event.detail));
  // A secret sent from a text field would end up in the browser's memory of what was typed.
  field.form.addEventListener("submit", () => reveal(false));

  const caps = button.parentElement.nextElementSibling;
  const tell = (event) => (caps.textContent = event.getModifierState?.("CapsLock") ? caps.dataset.caps : "");
  for (const kind of ["keydown", "keyup"]) field.addEventListener(kind, tell);
  field.addEventListener("blur", () => (caps.textContent = ""));
}
