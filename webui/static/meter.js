// The meter asks the server for its verdict, the very one that decides at the end; no rule is written twice.
"use strict";

const PAUSE_MILLISECONDS = 350;
const meter = document.querySelector("[data-meter]");
const field = document.getElementById("password");
const form = field.form;
let timer;
let asking = new AbortController();

function show(verdict) {
  meter.hidden = !verdict;
  if (verdict) {
    meter.dataset.strength = verdict.strength;
    meter.querySelector("[data-label]").textContent = verdict.label;
    meter.querySelector("[data-refusals]").replaceChildren(
      ...verdict.refusals.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })),
    );
  }
  for (const rule of form.querySelectorAll("[data-rule]")) {
    rule.classList.toggle("met", Boolean(verdict) && verdict.met.includes(rule.dataset.rule));
  }
}

async function ask() {
  asking.abort();
  asking = new AbortController();
  if (!field.value) return show(null);
  try {
    const answer = await fetch(form.dataset.force, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrf_token.value },
      body: new URLSearchParams({ password: field.value, rescue: form.elements.rescue.value }),
      redirect: "error", // a session that is over redirects; the form itself will say so
      signal: asking.signal,
    });
    show(answer.ok ? await answer.json() : null);
  } catch (error) {
    if (error.name !== "AbortError") show(null);
  }
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE_MILLISECONDS);
});
