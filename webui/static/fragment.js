// Mails and letters link to /#identifiant=…&cle=…: the fragment never leaves the browser. Nothing is sent by itself.
"use strict";

function fillFromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = given.get("cle");
  if (!key) return;
  const secret = document.getElementById("secret");
  const identifier = document.getElementById("identifier");
  identifier.value = (given.get("identifiant") || identifier.value).slice(0, identifier.maxLength);
  secret.value = key.slice(0, secret.maxLength);
  // Out of the address bar and the history, where the next user of this computer would find the key.
  history.replaceState(null, "", location.pathname + location.search);
  const note = document.querySelector("[data-prefilled]");
  note.hidden = false;
  note.focus();
}

fillFromFragment();
addEventListener("hashchange", fillFromFragment);
