// Under attack the assistance form asks browsers to work for a moment: SHA-256 of "ticket:number" must begin with so many
// zero bits. It is done while one types, in turns that leave the page free; who has no script waits a minute in its place.
"use strict";

const TURN = 500; // hashes
const form = document.querySelector("[data-bits]");
const { ticket, work } = form.elements;
const note = form.querySelector("[data-working]");
const encoder = new TextEncoder();
let isAwaited = false;

async function isFound(number) {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(`${ticket.value}:${number}`));
  return Math.clz32(new DataView(digest).getUint32(0)) >= Number(form.dataset.bits);
}

async function look() {
  for (let start = 0; !work.value; start += TURN) {
    const turn = Array.from({ length: TURN }, (_, place) => start + place);
    const found = (await Promise.all(turn.map(isFound))).indexOf(true);
    if (found >= 0) work.value = start + found;
  }
  if (isAwaited) form.submit();
}

if (globalThis.crypto?.subtle) { // only there on https
  form.addEventListener("submit", (event) => {
    if (work.value) return;
    event.preventDefault();
    isAwaited = true;
    note.textContent = note.dataset.working;
  });
  look();
}
