// Fills in login and code from a mail's link, /pas-moi#identifiant=…&code=…: the fragment never leaves the browser, and
// nothing is sent by itself.
"use strict";

const given = new URLSearchParams(location.hash.slice(1));
for (const [name, id] of Object.entries({ identifiant: "identifier", code: "code" })) {
  const field = document.getElementById(id);
  if (given.get(name)) field.value = given.get(name).slice(0, field.maxLength);
}
if (given.get("code")) {
  document.querySelector(".service form").action += location.hash; // in another language the same link fills it again
  history.replaceState(null, "", location.pathname);
}
