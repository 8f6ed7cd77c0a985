// The page behind the door is open for a time: this warns before it ends, has more of it for a click that loses nothing
// typed, and puts everything away when it is over. Nobody's focus is taken before that. A module: meter.js has the page's
// other names.

const SOON_SECONDS = 120;
const LAST_SECONDS = 60;
const stay = document.querySelector("[data-stay]");
const page = stay.closest("form");
const more = stay.querySelector("button");
const failed = stay.querySelector("[data-failed]");
const heard = stay.querySelector("[data-heard]"); // always there: what appears together with its text is not read
let deadline = Date.now() + stay.dataset.seconds * 1000;

function show(state) {
  if (stay.dataset.state === state) return;
  stay.dataset.state = state;
  for (const name of ["calm", "soon", "last-minute"]) stay.querySelector(`[data-${name}]`).hidden = name !== state;
  const said = stay.querySelector(`[data-${state}]`).textContent;
  heard.textContent = state === "calm" || !more?.isConnected ? said : `${said} ${heard.dataset.more}`;
}

function close() {
  clearInterval(timer);
  const over = stay.querySelector("template").content.firstElementChild;
  document.title = over.querySelector("h1").textContent;
  document.querySelector("main").replaceChildren(over); // away with the name, the login and whatever was typed
  over.querySelector("[role=alert]").focus();
}

function look() {
  const seconds = (deadline - Date.now()) / 1000;
  if (seconds <= 0) close();
  else if (seconds <= LAST_SECONDS) show("last-minute");
  else if (seconds <= SOON_SECONDS) show("soon");
}

function prolong(open) {
  deadline = Date.now() + open.seconds * 1000;
  for (const time of document.querySelectorAll("[data-until]")) time.textContent = open.until;
  stay.dataset.state = ""; // a new hour is said even where all was calm
  show("calm");
  if (open.is_extensible) return;
  const last = stay.querySelector("[data-last]");
  last.hidden = false;
  if (document.activeElement === more) last.focus();
  more.remove();
}

function tellFailed(isSo) {
  failed.hidden = !isSo;
  heard.textContent = isSo ? failed.textContent : "";
}

async function ask() {
  tellFailed(false);
  try {
    const answer = await fetch(stay.dataset.stay, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": page.elements.csrf_token.value },
    });
    if (answer.ok) prolong(await answer.json());
    else if (answer.status === 401) close();
    else tellFailed(true);
  } catch {
    tellFailed(true);
  }
}

more?.addEventListener("click", (event) => {
  event.preventDefault();
  ask();
});
for (const told of stay.querySelectorAll("[data-unscripted]")) told.remove();
const timer = setInterval(look, 1000);
addEventListener("pageshow", look); // a sleeping computer wakes up late
// Going back, browsers fill the form in again, even for whoever signed in since: with the last one's rescue address.
if (performance.getEntriesByType("navigation")[0].type !== "navigate") addEventListener("pageshow", () => page.reset());
look();
