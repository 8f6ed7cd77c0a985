// The front door. Mails and letters link to /#identifiant=…&cle=…: the fragment never leaves the browser, and nothing is sent
// by itself. Who says that they have a key types it in clear, in groups of five; a password is never touched.
"use strict";

const KEY = { alphabet: /^[0-9a-tv-z]*$/i, group: 5, length: 15, whole: /^\s*\w{5}-\w{5}-\w{5}\s*$/ };
const identifier = document.getElementById("identifier");
const secret = document.getElementById("secret");
const count = document.querySelector("[data-count]");
const ways = [...document.querySelectorAll("[data-way]")];
let takesKey = false;

function choose(way) {
  takesKey = way === "key";
  secret.classList.toggle("takes-key", takesKey);
  secret.autocapitalize = takesKey ? "characters" : "none";
  secret.dispatchEvent(new CustomEvent("reveal", { detail: takesKey }));
  for (const link of ways) link.ariaCurrent = String(link.dataset.way === way);
  group();
}

const bare = (text) => text.replace(/[\s\u2010-\u2015-]/g, "");

// Where the caret stands is counted in characters of the key, so that dashes come and go around it.
function group() {
  const typed = bare(secret.value);
  const isKey = takesKey && KEY.alphabet.test(typed) && typed.length <= KEY.length;
  if (isKey) {
    const before = bare(secret.value.slice(0, secret.selectionStart)).length;
    const shown = typed.replace(/.{5}(?=.)/g, "$&-");
    if (shown !== secret.value) {
      secret.value = shown;
      const caret = before + Math.floor(Math.max(before - 1, 0) / KEY.group);
      secret.setSelectionRange(caret, caret);
    }
  }
  count.hidden = !takesKey || !typed;
  count.textContent = isKey ? count.dataset.count.replace("#", typed.length) : count.dataset.noKey;
}

for (const link of ways) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose(link.dataset.way);
    (identifier.value ? secret : identifier).focus();
  });
}
secret.addEventListener("input", group);
secret.addEventListener("paste", (event) => {
  if (KEY.whole.test(event.clipboardData.getData("text"))) choose("key"); // a key as we print it, and no password
});

function fillFromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = given.get("cle");
  if (!key) return;
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
