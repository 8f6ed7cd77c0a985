// The front door. Mails and letters link to /#identifiant=…&cle=…: the fragment never leaves the browser, and nothing is sent
// by itself. Who says that they have a key types it in clear, in groups of five; a password is never touched.
"use strict";

const GROUP = 5;
const LENGTH = 15;
const ALPHABET = /^[0-9a-tv-z]*$/i; // O, I and L too: they are forgiven
const SEPARATORS = /[\s\u2010-\u2015-]/g;
const WHOLE = /^\s*\w{5}-\w{5}-\w{5}\s*$/; // as we print it
const WAY = "way";
const identifier = document.getElementById("identifier");
const secret = document.getElementById("secret");
const count = document.querySelector("[data-count]");
const ways = [...document.querySelectorAll("[data-way]")];
let takesKey = false;
let isKey = false; // what stands in the field may be one
let dashed = new Set(); // after how many characters somebody typed a dash

const bare = (text) => text.replace(SEPARATORS, "");

function choose(way) {
  takesKey = way === "key";
  secret.classList.toggle("takes-key", takesKey);
  secret.autocapitalize = takesKey ? "characters" : "none";
  secret.dispatchEvent(new CustomEvent("reveal", { detail: takesKey }));
  for (const link of ways) link.ariaCurrent = String(link.dataset.way === way);
  sessionStorage.setItem(WAY, way);
  start();
}

function start() {
  isKey = takesKey;
  dashed = new Set();
  group();
}

// A dash where no group ends, an accent, a sixteenth character: it is a password after all, and gets back what was typed.
function read(event) {
  if (!secret.value) start();
  const before = bare(secret.value.slice(0, secret.selectionStart)).length;
  if (event.data && !bare(event.data)) dashed.add(before);
  const typed = bare(secret.value);
  const fits = ALPHABET.test(typed) && typed.length <= LENGTH && [...dashed].every((place) => place % GROUP === 0);
  if (isKey && !fits) ungroup();
  isKey &&= fits;
  group();
}

function group() {
  const typed = bare(secret.value);
  const shown = typed.replace(/.{5}(?=.)/g, "$&-");
  if (isKey && shown !== secret.value) {
    // Where the caret stands is counted in characters of the key, so that dashes come and go around it.
    const before = bare(secret.value.slice(0, secret.selectionStart)).length;
    secret.value = shown;
    const caret = before + Math.floor(Math.max(before - 1, 0) / GROUP);
    secret.setSelectionRange(caret, caret);
  }
  count.hidden = !takesKey || !typed;
  count.textContent = isKey ? count.dataset.count.replace("#", typed.length) : count.dataset.noKey;
}

function ungroup() {
  const ours = [GROUP, 2 * GROUP].filter((place) => !dashed.has(place)).map((place) => place + place / GROUP - 1);
  secret.value = [...secret.value].filter((char, place) => char !== "-" || !ours.includes(place)).join("");
}

for (const link of ways) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose(link.dataset.way);
    (identifier.value ? secret : identifier).focus();
  });
}
secret.addEventListener("input", read);
secret.addEventListener("paste", (event) => {
  if (WHOLE.test(event.clipboardData.getData("text"))) choose("key");
});

function fillFromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = given.get("cle");
  if (!key) return;
  identifier.value = (given.get("identifiant") || identifier.value).slice(0, identifier.maxLength);
  secret.value = key.slice(0, secret.maxLength);
  // In another language the same link fills the page again.
  document.querySelector(".service form").action += location.hash;
  // Out of the address bar and the tab's history, where the next user of this computer would find the key. The browser's
  // list of visited addresses keeps the link all the same; no page can take it out of there.
  history.replaceState(null, "", location.pathname + location.search);
  const note = document.querySelector("[data-prefilled]");
  note.hidden = false;
  note.focus();
}

// A refusal answers somebody who had chosen: the key to be typed again shows and groups itself like the first time.
const chosen = sessionStorage.getItem(WAY);
sessionStorage.removeItem(WAY);
if (chosen && document.querySelector(".alert")) choose(chosen);
if (location.hash === "#connexion") choose("key"); // from the page that said a key was on its way
fillFromFragment();
addEventListener("hashchange", fillFromFragment);
