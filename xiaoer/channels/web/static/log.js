// The log: bubbles in groups, day separators, own messages with their state.
import { h, icon, linked } from "./dom.js";
import { asDay, asTime, boot, dayKey, t } from "./format.js";
import { drawCard, withoutDrawn } from "./cards.js";

const log = document.getElementById("log");
const scroll = document.getElementById("scroll");
const jump = document.getElementById("jump");
const seen = new Map(); // message id → element
const drafts = new Map(); // client id → element, until the server has named it

export const isEmpty = () => !log.firstChild;
// Whether the customer has the last word (and lately, where that is asked).
export function isUnanswered({ withinMs = Infinity } = {}) {
  const last = log.lastElementChild;
  return last?.dataset.author === "customer" && Date.now() - new Date(last.dataset.at) < withinMs;
}
export const hasMessage = (id) => seen.has(id);

export function showMessage(message, { live = false } = {}) {
  if (seen.has(message.id)) return;
  const draft = message.author === "customer" ? findDraft(message) : null;
  if (draft) return settleDraft(draft, message);
  const element = drawMessage(message);
  seen.set(message.id, element);
  place(element, message, live);
}

export function showDraft(clientId, text, onRetry) {
  const message = { author: "customer", text, at: new Date().toISOString() };
  const element = drawMessage(message);
  element.dataset.text = text;
  element.retry = onRetry;
  drafts.set(clientId, element);
  place(element, message, true, true);
  markDraft(clientId, "sending");
}

export function markDraft(clientId, state, messageId) {
  const element = drafts.get(clientId);
  if (!element) return;
  element.classList.toggle("sending", state === "sending");
  element.classList.toggle("failed", state === "failed");
  const meta = element.querySelector(".meta");
  meta.classList.toggle("loud", state !== "sent");
  const again = () => h("button", { type: "button", class: "retry", onclick: () => element.retry() }, t.retry);
  const parts = {
    sending: () => [icon("clock"), t.sending],
    sent: () => [asTime(element.dataset.at), icon("check"), h("span", { class: "sr" }, t.sent)],
    failed: () => [t.failed, again()],
  };
  meta.replaceChildren(...parts[state]());
  if (messageId) {
    seen.set(messageId, element);
    drafts.delete(clientId);
  }
}

// The event of an own message may overtake the answer to its POST.
function findDraft(message) {
  if (message.client_id && drafts.has(message.client_id)) return message.client_id;
  for (const [id, element] of drafts) if (element.dataset.text === message.text) return id;
  return null;
}

function settleDraft(clientId, message) {
  drafts.get(clientId).dataset.at = message.at;
  markDraft(clientId, "sent", message.id);
}

function drawMessage(message) {
  const receipt = message.kind === "receipt";
  const kind = receipt ? "assistant event" : message.author;
  const plain = message.author === "system" && !receipt;
  const mine = message.author === "customer";
  const cards = message.cards || [];
  const words = withoutDrawn(message.text, cards);
  const body = h("div", { class: "body" },
    mine || plain ? h("span", { class: "sr" }, mine ? `${t.you}:` : "") : h("div", { class: "who" }, nameOf(message)),
    words ? h("div", { class: "bubble", dir: "auto" }, mine ? words : linked(words, boot.allowed_links, t.new_tab)) : null,
    cards.map((card) => drawCard(card, receipt)),
    drawCitations(message.citations || []),
    h("div", { class: "meta" }, plain ? "" : asTime(message.at)));
  const avatar = mine || plain ? null : drawAvatar(message);
  return h("div", { class: `msg ${kind}`, "data-at": message.at, "data-author": receipt ? "assistant" : message.author }, avatar, body);
}

function nameOf(message) {
  if (message.author === "agent") return message.name ? `${message.name} · ${t.agent}` : t.agent;
  return `${boot.persona} · ${t.assistant}`;
}

function drawAvatar(message) {
  if (message.author === "agent") return h("span", { class: "avatar avatar-agent", "aria-hidden": "true" }, icon("person"));
  return h("span", { class: "avatar", "aria-hidden": "true" }, boot.initial);
}

function drawCitations(citations) {
  if (!citations.length) return null;
  return h("div", { class: "cites" }, t.sources, citations.map((cite) =>
    h("span", { class: "cite", title: cite.id || cite.title }, cite.title || cite.id)));
}

function place(element, message, live, own = false) {
  const near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 140;
  const before = log.lastElementChild;
  const last = before?.matches(".msg") ? before : null;
  if (!last || dayKey(last.dataset.at) !== dayKey(message.at)) {
    log.append(h("div", { class: "day" }, asDay(message.at)));
    element.classList.add("first");
  } else if (groupOf(last) !== groupOf(element) || new Date(message.at) - new Date(last.dataset.at) > 6e5) {
    element.classList.add("first");
  } else last.classList.remove("last");
  element.classList.add("last");
  if (!element.classList.contains("first")) element.querySelector(".who")?.remove();
  if (live) element.classList.add("enter");
  // Whoever writes has gone on: an old closing question is not to be tapped any more.
  if (message.author === "customer") log.querySelectorAll(".rating").forEach((old) => old.remove());
  log.append(element);
  if (own || !live) toBottom(live);
  else if (near || following) showStart(element);
  else offerJump(true);
}

// After an own message the page follows what comes, until a hand moves it.
let following = true;
for (const gesture of ["wheel", "touchmove"]) scroll.addEventListener(gesture, () => { following = false; }, { passive: true });
scroll.addEventListener("keydown", () => { following = false; });

function offerJump(unseen) {
  jump.classList.toggle("round", !unseen);
  jump.hidden = false;
}

// A tall answer is read from its beginning, not from its end.
function showStart(element) {
  const bottom = scroll.scrollHeight - scroll.clientHeight;
  const start = element.offsetTop - scroll.offsetTop - 14;
  glide(Math.min(bottom, start));
  following = start >= bottom;
  if (!following) offerJump(false);
}

const groupOf = (element) => element.dataset.author;

export function toBottom(smooth = false) {
  following = true;
  requestAnimationFrame(() => glide(scroll.scrollHeight, smooth));
  jump.hidden = true;
}

function glide(top, smooth = true) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scroll.scrollTo({ top, behavior: smooth && !calm ? "smooth" : "instant" });
}

jump.addEventListener("click", () => toBottom(true));
scroll.addEventListener("scroll", () => {
  if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60) jump.hidden = true;
}, { passive: true });
