// The chat page: joins the log, the composer and the live stream.
import { ApiError, forgetSession, openSession, readStream, sendMessage } from "./api.js";
import { updateAction } from "./cards.js";
import { boot, t } from "./format.js";
import { h } from "./dom.js";
import { hasMessage, isEmpty, isUnanswered, markDraft, showDraft, showMessage, toBottom } from "./log.js";

const $ = (id) => document.getElementById(id);
const MAX_CHARS = 10000;
const TYPING_MS = 90000;
const waiting = []; // drafts written while offline, in order
const framed = window.parent !== window && boot.embed;
let session = null;
let after = 0;
let opened = false; // the history has been drawn
let typingTimer = 0;
let unread = 0;
let renewed = false;

// Start -------------------------------------------------------------------------------------------
drawSuggestions();
if (!boot.embed && matchMedia("(hover: hover)").matches) $("text").focus();
let opening = start(); // what is written before the session stands waits for it

async function start() {
  try {
    session = await openSession(identity());
  } catch (error) {
    return say(error.status === 429 ? t.rate_limited : t.session_failed);
  }
  listen();
}

// The widget hands the shop's signed visitor over in the fragment, which no server log ever sees.
function identity() {
  const given = new URLSearchParams(location.hash.slice(1));
  const external_id = given.get("external_id") || undefined;
  const found = { external_id, signature: given.get("signature") || undefined, name: given.get("name") || undefined };
  return external_id ? found : null;
}

function drawSuggestions() {
  $("suggestions").replaceChildren(...t.suggestions.map((text) =>
    h("li", {}, h("button", { type: "button", class: "chip", onclick: () => send(text) }, text))));
}

// The stream --------------------------------------------------------------------------------------
async function listen() {
  let pause = 500;
  for (;;) {
    try {
      await readStream(session, after, (event) => { pause = 500; onEvent(event); });
    } catch (error) {
      if (error instanceof ApiError && [401, 404].includes(error.status)) return renew();
    }
    if (pause > 1500 && navigator.onLine) say(t.reconnecting);
    await new Promise((resolve) => setTimeout(resolve, pause + Math.random() * 300));
    pause = Math.min(pause * 2, 15000);
  }
}

// The session has run out, or the desk does not know it any more: a fresh one, once.
function renew() {
  forgetSession();
  session = null;
  if (renewed) return say(t.session_failed);
  renewed = true;
  opening = start();
}

const HANDLERS = {
  open: () => { if (navigator.onLine) quiet(); setTimeout(caughtUp, 350); },
  message: onMessage,
  action: (event) => updateAction(event.action),
  typing: () => showTyping(isUnanswered()),
  state: (event) => onState(event.state),
};

function onEvent(event) {
  if (event.type === "message") after = Math.max(after, Number(event.id));
  HANDLERS[event.type]?.(event);
}

function onMessage(event) {
  const { message } = event;
  if (hasMessage(message.id)) return;
  const mine = message.author === "customer";
  if (!mine) showTyping(false);
  $("empty").hidden = true;
  showMessage(message, { live: opened });
  if (opened && !mine) countUnread();
}

function caughtUp() {
  if (opened) return;
  opened = true;
  $("empty").hidden = !isEmpty();
  showTyping(isUnanswered({ withinMs: 20000 }));
  if (!isEmpty()) toBottom();
}

function onState(state) {
  $("chat").classList.toggle("is-person", state.handed_off);
  $("by-assistant").hidden = state.handed_off;
  $("by-person").hidden = !state.handed_off;
  $("person").hidden = state.handed_off;
  if (state.handed_off) showTyping(false);
}

// Writing -----------------------------------------------------------------------------------------
const text = $("text");

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words || words.length > MAX_CHARS) return;
  text.value = "";
  onInput();
  send(words);
  text.focus();
});

text.addEventListener("keydown", (event) => {
  // While an input method composes (Chinese, Japanese), Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("composer").requestSubmit();
});

text.addEventListener("input", onInput);

function onInput() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 160)}px`;
  const long = text.value.trim().length > MAX_CHARS;
  $("send").disabled = !text.value.trim() || long;
  $("hint").textContent = long ? t.too_long : t.hint;
  $("hint").classList.toggle("loud", long);
}

document.addEventListener("xiaoer:say", (event) => send(event.detail));

$("person").addEventListener("click", () => send(t.person_message));

function send(words) {
  $("empty").hidden = true;
  opened = true;
  const draft = { id: newId(), words };
  showDraft(draft.id, words, () => deliver(draft));
  deliver(draft);
}

async function deliver(draft) {
  markDraft(draft.id, "sending");
  // Before the request: the answer may overtake the acknowledgement.
  showTyping(true);
  if (!navigator.onLine) {
    waiting.push(draft);
    showTyping(false);
    return;
  }
  await opening;
  if (!session) await (opening = start());
  try {
    const answer = await sendMessage(session, draft.id, draft.words);
    markDraft(draft.id, "sent", answer.message_id);
  } catch (error) {
    markDraft(draft.id, "failed");
    showTyping(false);
    if (error.status === 429) say(t.rate_limited, 6000);
    if (error.status === 401) renew();
  }
}

const newId = () => crypto.randomUUID?.() || Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// Signs of life -----------------------------------------------------------------------------------
function showTyping(on) {
  const person = $("chat").classList.contains("is-person");
  clearTimeout(typingTimer);
  $("typing").hidden = !on || person;
  if (!on || person) return;
  toBottom(true);
  typingTimer = setTimeout(() => showTyping(false), TYPING_MS);
}

function say(words, forMs = 0) {
  $("notice").textContent = words;
  $("notice").hidden = false;
  if (forMs) setTimeout(quiet, forMs);
}

function quiet() {
  $("notice").hidden = true;
}

addEventListener("offline", () => say(t.offline));
addEventListener("online", () => {
  quiet();
  waiting.splice(0).forEach(deliver);
});

function countUnread() {
  if (framed) parent.postMessage({ type: "xiaoer:message" }, "*");
  if (document.visibilityState === "visible") return;
  unread += 1;
  document.title = `(${unread}) ${boot.store_name}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  unread = 0;
  document.title = boot.store_name;
});

// Text that was typed before the switch of language is not lost, nor is the widget's fragment.
const TYPED = "xiaoer-typed";
$("text").value ||= sessionStorage.getItem(TYPED) || "";
$("text").dispatchEvent(new Event("input"));
sessionStorage.removeItem(TYPED);
$("lang").addEventListener("change", () => {
  const query = new URLSearchParams(location.search);
  query.set("lang", $("lang").value);
  sessionStorage.setItem(TYPED, $("text").value);
  location.href = `${location.pathname}?${query}${location.hash}`;
});
