// Under attack the assistance form asks browsers to work for a moment: SHA-256 of "ticket:number" must begin with so many
// zero bits. Who has no script waits a minute in its place.
"use strict";

const form = document.querySelector("[data-work]");
const bits = Number(form.dataset.work);
const encoder = new TextEncoder();

async function isWorked(number) {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(`${form.elements.ticket.value}:${number}`));
  return new DataView(digest).getUint32(0) >>> (32 - bits) === 0;
}

async function work() {
  let number = 0;
  while (!(await isWorked(number))) number++;
  form.elements.work.value = number;
}

if (crypto.subtle) work();
