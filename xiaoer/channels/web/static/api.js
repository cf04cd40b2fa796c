// The channel's HTTP interface: a session kept per shop, messages, and the live stream.
import { boot } from "./format.js";

const BASE = `/channels/web/${encodeURIComponent(boot.store)}`;
const KEY = `xiaoer:${boot.store}`;
let memory = null; // where the browser forbids storage, the session lives as long as the page

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error || String(status));
    this.status = status;
  }
}

export function keptSession() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || memory;
  } catch {
    return memory;
  }
}

function keep(session) {
  memory = session;
  try {
    if (session) localStorage.setItem(KEY, JSON.stringify(session));
    else localStorage.removeItem(KEY);
  } catch { /* private mode: memory alone */ }
}

export const forgetSession = () => keep(null);

// A visitor that the shop's own page signed gets his proven session; another identity starts anew.
export async function openSession(identity) {
  const kept = keptSession();
  const who = identity?.external_id || "";
  if (kept && (kept.who || "") === who) return kept;
  const answer = await call("POST", "/sessions", identity || {});
  const session = { token: answer.session, conversation_id: answer.conversation_id, who };
  keep(session);
  return session;
}

export const sendMessage = (session, id, text) => call("POST", "/messages", { id, text }, session?.token);

async function call(method, path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(BASE + path, { method, headers, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

// EventSource cannot send a header, and a token does not belong into an address: so the stream is read by fetch.
export async function readStream(session, after, onEvent, signal) {
  const headers = { Authorization: `Bearer ${session.token}`, Accept: "text/event-stream" };
  if (after) headers["Last-Event-ID"] = String(after);
  const response = await fetch(`${BASE}/events`, { headers, signal });
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => null));
  onEvent({ type: "open" });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value.replace(/\r/g, "")).split("\n\n");
    rest = blocks.pop();
    blocks.map(parseEvent).filter(Boolean).forEach(onEvent);
  }
}

function parseEvent(block) {
  const event = { data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = line.match(/^(\w+): ?(.*)$/) || [];
    if (name === "data") event.data += value;
    else if (name) event[name] = value;
  }
  if (!event.data) return null;
  const data = JSON.parse(event.data);
  return { ...data, id: event.id ?? data.id, type: event.event || data.type };
}
