// The desk's pages work as plain forms; this adds live updates, keys and small comforts.
const $ = (selector, root = document) => root.querySelector(selector);
const tell = (name) => document.body.dispatchEvent(new CustomEvent(name));

let stream;

// Live updates ------------------------------------------------------------------------------------
const due = new Set();
let timer = 0;

function note(...names) {
  names.forEach((name) => due.add(name));
  timer ||= setTimeout(() => {
    timer = 0;
    const names = [...due];
    due.clear();
    names.forEach(tell);
  }, 250);
}

function onNews(event) {
  const here = $("#conversation")?.dataset.id;
  note("live");
  if (event.kind === "tick" || event.kind === "resync") note("live-thread", "live-pause", "live-inquiry", "settle-if-idle");
  if (event.kind === "pause") note("live-pause");
  if (event.kind === "inquiry") note("live-inquiry");
  if (here && event.conversation_id === here) note("live-thread");
  if (event.action_id && event.action_id === $("#approval")?.dataset.id) note("settle-if-idle");
}

// A request that somebody else has decided is drawn anew, but never under an open dialog.
document.body.addEventListener("settle-if-idle", () => { if (!$("dialog[open]")) tell("settle"); });
document.body.addEventListener("live", () => { if (!$("dialog[open]")) tell("live-idle"); });

if ($(".frame")) {
  listen();
  addEventListener("pagehide", () => stream?.close());
}

function listen() {
  stream = new EventSource("/desk/events");
  stream.addEventListener("news", (event) => onNews(JSON.parse(event.data)));
  stream.addEventListener("open", () => { $("#offline").hidden = true; });
  stream.addEventListener("ended", () => { stream.close(); toLogin(); });
  stream.addEventListener("error", () => {
    setTimeout(() => { $("#offline").hidden = stream.readyState === EventSource.OPEN; }, 3000);
    // A refused stream (too many pages, signed out) is not tried again by the browser itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 30_000);
  });
}

function toLogin() {
  location.assign(`/desk/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

// Whether somebody is there ------------------------------------------------------------------------
// What the page asks for by itself keeps no session alive; a hand on keys, screen or mouse does.
document.body.addEventListener("htmx:configRequest", (event) => {
  if (/^(live|settle|switched)/.test(event.detail.triggeringEvent?.type || "")) event.detail.headers["X-Background"] = "1";
});

let here = Date.now();
function stillHere(event) {
  if (!event.isTrusted || Date.now() - here < 180_000 || !$(".frame")) return;
  here = Date.now();
  fetch("/desk/here").then((answer) => { if (answer.redirected || answer.status === 401) toLogin(); }, () => {});
}
["keydown", "pointerdown"].forEach((name) => addEventListener(name, stillHere, { capture: true, passive: true }));

// What a refused request says ---------------------------------------------------------------------
document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (!(xhr.getResponseHeader("content-type") || "").includes("json")) return;
  toast(JSON.parse(xhr.responseText).error);
});

function toast(words) {
  const box = Object.assign(document.createElement("p"), { className: "toast", textContent: words });
  box.setAttribute("role", "alert");
  document.body.append(box);
  setTimeout(() => box.remove(), 6000);
}

// Dialogs and menus -------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) openDialog(opener.dataset.open);
  if (event.target.closest("[data-help]")) openDialog("help");
  if (event.target.closest("[data-close]") || event.target.matches("dialog")) event.target.closest("dialog").close();
  if (event.target.closest("[data-unclamp]")) unclamp(event.target);
  document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("focusin", (event) => { if (event.target.matches("[data-select]")) event.target.select(); });

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});

// Keys --------------------------------------------------------------------------------------------
const KEYS = {
  j: () => step(1), k: () => step(-1), a: () => press("a"), r: () => press("r"), e: () => press("e"), c: () => press("c"),
  "/": () => $('[data-key="/"]')?.focus(), "?": () => openDialog("help"),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
  if (sendsOnEnter(event)) return;
  const busy = event.target.closest("input, textarea, select, dialog, [contenteditable]");
  // A held key is one decision, not many.
  if (busy || event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

function sendsOnEnter(event) {
  if (!event.target.matches("[data-submit-on-enter]") || event.key !== "Enter") return false;
  if (event.shiftKey || event.isComposing || event.keyCode === 229) return false;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
  return true;
}

function press(key) {
  $(`[data-key="${key}"]:not([disabled])`)?.click();
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const now = rows.findIndex((row) => row.getAttribute("aria-current"));
  const next = rows[now < 0 ? 0 : Math.min(Math.max(now + by, 0), rows.length - 1)];
  if (next && next !== rows[now]) next.click();
}

// Reading -----------------------------------------------------------------------------------------
function settleView() {
  document.querySelectorAll("[data-clamp]").forEach((box) => {
    const button = box.parentElement.querySelector("[data-unclamp]");
    if (button) button.hidden = box.classList.contains("open") || box.scrollHeight <= box.clientHeight + 2;
  });
}

function unclamp(button) {
  const box = button.parentElement.querySelector("[data-clamp]");
  box.classList.add("open");
  box.tabIndex = -1;
  box.focus();
  button.hidden = true;
}

let stuck = true; // the thread was read to its end
const box = () => $("[data-stick]");
document.body.addEventListener("htmx:beforeSwap", () => {
  const at = box();
  stuck = !at || at.scrollHeight - at.scrollTop - at.clientHeight < 80;
});
document.body.addEventListener("htmx:afterSettle", () => {
  settleView();
  if (stuck && box()) box().scrollTop = box().scrollHeight;
  if ($("#approval .flash.good")) $("#approval").scrollIntoView({ block: "nearest" });
});

settleView();
if (box()) box().scrollTop = box().scrollHeight;
$('[data-row][aria-current="true"]')?.scrollIntoView({ block: "nearest" });
