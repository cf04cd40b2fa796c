// Times and money as the page's language writes them.
export const boot = JSON.parse(document.getElementById("boot").textContent);
export const t = boot.strings;
const lang = boot.lang;

const clock = new Intl.DateTimeFormat(lang, { hour: "numeric", minute: "2-digit" });
const dayName = new Intl.DateTimeFormat(lang, { weekday: "long", day: "numeric", month: "long" });
const shopDay = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: boot.zone });
const shopTime = new Intl.DateTimeFormat(lang, {
  day: "numeric", month: "short", hour: "numeric", minute: "2-digit", timeZone: boot.zone,
});

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
export const asTime = (iso) => clock.format(new Date(iso));
export const asShopDay = (iso) => shopDay.format(new Date(iso));
export const asShopTime = (iso) => shopTime.format(new Date(iso));
export const dayKey = (iso) => new Date(iso).toDateString();

export function asDay(iso) {
  const then = new Date(iso);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / 864e5);
  if (ago === 0) return t.today;
  return ago === 1 ? t.yesterday : dayName.format(then);
}

export function asMoney(money) {
  const format = new Intl.NumberFormat(lang, { style: "currency", currency: money.currency, currencyDisplay: "narrowSymbol" });
  return format.format(money.amount_minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
