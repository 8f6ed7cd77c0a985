// The meter asks the server for its verdict, the very one that decides at the end; no rule is written twice.
"use strict";

const PAUSE_MILLISECONDS = 350;
const SPEECH_MILLISECONDS = 1000;
const meter = document.querySelector("[data-meter]");
const spoken = document.querySelector("[data-spoken]"); // always there: what appears together with its text is not read
const field = document.getElementById("password");
const form = field.form;
const rescue = form.elements.rescue;
const typo = document.querySelector("[data-typo]");
const take = document.querySelector("[data-take]");
let timer;
let speech;
let asking = new AbortController();

function show(verdict) {
  meter.hidden = !verdict;
  if (verdict) {
    meter.dataset.strength = verdict.strength ?? "";
    meter.querySelector("[data-label]").textContent = verdict.label;
    meter.querySelector("[data-advice]").textContent = verdict.refusals[0] ?? ""; // one thing at a time; the rules tick themselves
  }
  for (const rule of form.querySelectorAll("[data-rule]")) {
    const isMet = Boolean(verdict) && verdict.met.includes(rule.dataset.rule);
    rule.classList.toggle("met", isMet);
    rule.querySelector("span").hidden = !isMet;
  }
  clearTimeout(speech);
  speech = setTimeout(() => (spoken.textContent = verdict ? meter.innerText : ""), SPEECH_MILLISECONDS);
}

function question(password, signal) {
  return fetch(form.dataset.force, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrf_token.value },
    body: new URLSearchParams({ password, rescue: rescue.value }),
    redirect: "error", // a session that is over redirects; the form itself will say so
    signal,
  });
}

async function ask() {
  asking.abort();
  asking = new AbortController();
  if (!field.value) return show(null);
  try {
    const answer = await question(field.value, asking.signal);
    show(answer.ok ? await answer.json() : null);
  } catch (error) {
    if (error.name !== "AbortError") show(null);
  }
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE_MILLISECONDS);
});

// What comes too late is not asked: the answer to the form may have ended the session.
form.addEventListener("submit", () => {
  clearTimeout(timer);
  asking.abort();
});

// An address whose domain is one slip away from a common one: pointed out as soon as it is typed.
rescue.addEventListener("change", async () => {
  typo.hidden = true;
  if (!rescue.value) return;
  try {
    const answer = await question("");
    take.textContent = answer.ok ? (await answer.json()).suggestion : "";
    typo.hidden = !take.textContent;
    if (take.textContent) form.elements.meant.value = rescue.value; // asked about: sent all the same, it is right
  } catch {
    // the form itself will say what is wrong
  }
});
take.addEventListener("click", () => {
  rescue.value = take.textContent;
  typo.hidden = true;
  rescue.focus();
});
