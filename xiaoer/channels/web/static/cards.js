// Cards: facts drawn instead of written. Unknown kinds draw nothing; the message's text stands alone.
import { h, icon, linked } from "./dom.js";
import { asMoney, asShopDay, asShopTime, boot, fill, t } from "./format.js";

// verdict → how far along the four steps, and the tone
const VERDICTS = {
  label_only: [0, "warn"], no_events: [0, "warn"], number_unknown: [0, "bad"],
  on_its_way: [1, "go"], stuck: [1, "warn"], customs_held: [1, "warn"], problem: [1, "bad"],
  going_back: [1, "bad"], refused: [2, "bad"], returned: [1, "bad"],
  out_for_delivery: [2, "go"], at_pickup_point: [2, "go"], delivered: [3, "good"],
};
// action status → how far along, tone
const STATES = {
  proposed: [0, "go"], pending: [0, "warn"], approved: [1, "go"], executing: [1, "go"], unknown: [1, "warn"],
  succeeded: [2, "good"], failed: [1, "bad"], rejected: [-1, "plain"], expired: [-1, "plain"],
  superseded: [-1, "plain"], cancelled: [-1, "plain"],
};
const ICONS = { issue_refund: "refund", cancel_order: "cancel", create_return_label: "label", issue_coupon: "coupon" };

// A line of text that names a parcel says again what its card draws.
export function withoutDrawn(text, cards) {
  const numbers = cards.filter((card) => card.type === "parcels").flatMap((card) => (card.parcels || []).map((parcel) => parcel.tracking_no));
  if (!numbers.length) return text;
  const lines = text.split("\n");
  const drawn = lines.map((line) => numbers.some((number) => number && line.includes(number)));
  // The heading of a list goes with its list.
  const heads = lines.map((line, at) => /[:：]\s*$/.test(line) && drawn[at + 1]);
  return lines.filter((_, at) => !drawn[at] && !heads[at]).join("\n").trim();
}

// A receipt's card would repeat the request's own, which is drawn above it and moves by itself.
export function drawCard(card, receipt = false) {
  const draw = { parcels: drawParcels, action: drawAction, rating: drawRating }[card.type];
  const repeats = receipt && document.querySelector(`[data-action="${CSS.escape(idOf(card) || "")}"]`);
  return draw && !repeats ? draw(card) : null;
}

// Parcels -----------------------------------------------------------------------------------------
function drawParcels(card) {
  const parcels = card.parcels || [];
  const count = parcels.length === 1 ? t.parcels_one : fill(t.parcels_many, { n: parcels.length });
  const title = h("b", {}, `${t.order} ${withHash(card.order_no || parcels[0]?.order_no || "")}`);
  return h("section", { class: "card", "aria-label": `${t.order} ${card.order_no || ""}, ${count}` },
    h("div", { class: "card-head" }, title, parcels.length ? h("span", {}, count) : null),
    parcels.map(drawParcel), drawUnshipped(card));
}

function drawParcel(parcel) {
  const [step, tone] = VERDICTS[parcel.verdict] || [0, "plain"];
  return h("article", { class: "parcel" },
    h("div", { class: "parcel-top" },
      h("div", { class: "parcel-name" },
        h("div", { class: "carrier" }, parcel.carrier_name || parcel.carrier || ""), drawNumber(parcel.tracking_no)),
      h("span", { class: `badge ${tone}` }, t.verdicts[parcel.verdict] || parcel.verdict)),
    drawSteps(t.steps, step, tone, parcel.verdict === "delivered"),
    drawLatest(parcel), drawGoods(parcel.lines), drawScans(parcel.events || []));
}

function drawNumber(number) {
  if (!number) return null;
  const copy = h("button", { type: "button", class: "copy", "aria-label": `${t.copy} ${number}`, title: t.copy }, icon("copy"));
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(number);
    copy.replaceChildren(icon("check"));
    copy.title = t.copied;
    setTimeout(() => { copy.replaceChildren(icon("copy")); copy.title = t.copy; }, 1600);
  });
  return h("div", { class: "number" }, h("bdi", {}, number), copy);
}

function drawSteps(names, now, tone, finished) {
  if (now < 0) return null;
  const state = (index) => (index < now || (finished && index === now) ? "done" : index === now ? "now" : "");
  return h("ol", { class: `steps t-${tone}` }, names.map((name, index) =>
    h("li", { class: state(index), "aria-current": index === now ? "step" : null }, name)));
}

function drawLatest(parcel) {
  const last = (parcel.events || [])[0];
  const notes = [];
  if (last) {
    notes.push(h("p", { class: "latest", dir: "auto" }, last.text),
      h("p", { class: "small" }, [last.place, asShopTime(last.at)].filter(Boolean).join(" · ")));
  } else notes.push(h("p", { class: "latest" }, t.no_scan));
  const silent = parcel.verdict === "stuck" && parcel.quiet_days;
  if (silent) notes.push(h("p", { class: "small warnish" }, parcel.quiet_days === 1 ? t.one_quiet : fill(t.quiet, { n: parcel.quiet_days })));
  const over = ["delivered", "returned", "going_back", "refused"].includes(parcel.verdict);
  if (parcel.estimated_at && !over) notes.push(h("p", { class: "small" }, fill(t.expected, { date: asShopDay(parcel.estimated_at) })));
  return h("div", {}, notes);
}

function drawGoods(lines) {
  if (!lines?.length) return null;
  return h("ul", { class: "goods", "aria-label": t.in_parcel }, lines.map((line) =>
    h("li", {}, h("span", { class: "qty" }, `${line.quantity} ×`), h("span", { dir: "auto" }, line.title))));
}

function drawScans(events) {
  if (events.length < 2) return null;
  return h("details", { class: "scans" },
    h("summary", {}, icon("chevron"), fill(t.all_scans, { n: events.length })),
    h("ol", { class: "timeline" }, events.map((scan) => h("li", {},
      h("span", { dir: "auto" }, scan.text),
      h("time", { datetime: scan.at }, [asShopTime(scan.at), scan.place].filter(Boolean).join(" · "))))));
}

function drawUnshipped(card) {
  if (!card.unshipped?.length) return null;
  return h("div", { class: "unshipped" }, h("h4", {}, t.not_shipped), drawGoods(card.unshipped),
    card.ship_by ? h("p", { class: "small" }, fill(t.ships_by, { date: asShopDay(card.ship_by) })) : null);
}

// Actions -----------------------------------------------------------------------------------------
const known = new Map(); // action id → the newest facts we were told

function drawAction(card) {
  const box = h("section", { class: "card action", "data-action": idOf(card), "aria-live": "polite" });
  const facts = { ...card, ...(known.get(idOf(card)) || {}) };
  known.set(idOf(card), facts);
  fillAction(box, facts);
  return box;
}

export function updateAction(action) {
  const facts = { ...(known.get(idOf(action)) || {}), ...action };
  known.set(idOf(action), facts);
  const boxes = document.querySelectorAll(`[data-action="${CSS.escape(idOf(action))}"]`);
  boxes.forEach((box) => fillAction(box, facts));
  return boxes.length > 0;
}

const idOf = (card) => card.action_id || card.id;

function fillAction(box, facts) {
  const [step, tone] = STATES[facts.status] || [0, "plain"];
  const name = t.tools[facts.tool] || t.tools.other;
  const note = t.action_notes[facts.status];
  box.setAttribute("aria-label", `${name}: ${t.action_states[facts.status] || ""}`);
  box.replaceChildren(
    h("div", { class: "action-top" },
      h("div", { class: "action-what" },
        h("span", { class: "action-icon" }, icon(ICONS[facts.tool] || "other")),
        h("div", {}, h("div", { class: "action-name" }, name),
          facts.order_no ? h("div", { class: "small" }, `${t.order} ${withHash(facts.order_no)}`) : null)),
      h("span", { class: `badge ${tone}` }, t.action_states[facts.status] || "")),
    ...[facts.amount ? h("p", { class: "action-amount" }, asMoney(facts.amount)) : null,
      drawFacts(facts), drawSteps(facts.by_rule ? t.action_steps_rule : t.action_steps, step, tone, facts.status === "succeeded"),
      note ? h("p", { class: "action-note" }, note) : null].filter(Boolean));
}

function drawFacts(facts) {
  const rows = [];
  if (facts.destination) rows.push([t.to, facts.destination]);
  if (facts.lines_text) rows.push([t.items, facts.lines_text]);
  const link = facts.details?.label_url;
  if (link) rows.push([t.tools.create_return_label, linked(link, boot.allowed_links, t.new_tab)]);
  const code = facts.details?.coupon_code;
  if (code) rows.push([t.tools.issue_coupon, code]);
  if (!rows.length) return null;
  return h("dl", { class: "facts" }, rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { dir: "auto" }, value)]));
}

// The closing question: one tap answers it as if it had been typed.
function drawRating(card) {
  const tap = (score) => document.dispatchEvent(new CustomEvent("xiaoer:say", { detail: String(score) }));
  return h("div", { class: "rating", role: "group", "aria-label": t.rating },
    (card.choices || []).map((score) => h("button", { type: "button", class: "chip", onclick: () => tap(score) }, String(score))));
}

const withHash = (number) => (/^\d{3,6}$/.test(number) ? `#${number}` : number);
