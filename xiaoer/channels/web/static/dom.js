// Building blocks: elements are made with textContent only, so no words can become markup.
const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  refund: "M4 9h11a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4",
  cancel: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM6 6l12 12",
  label: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  coupon: "M4 7h16v3a2 2 0 0 0 0 4v3H4v-3a2 2 0 0 0 0-4zM14 7v10",
  other: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 8v4l3 2",
  copy: "M9 9h10v11H9zM5 15V4h10",
  check: "M5 12.5l4.500 4.500L19 7.500",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  chevron: "M9 6l6 6-6 6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c0-3.500 3-6 7-6s7 2.500 7 6",
};

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.other);
  svg.append(path);
  return svg;
}

// Text with links, but only to the hosts the shop allows; everything else stays plain text.
export function linked(text, hosts, label) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'，。）】]+/g)) {
    const link = asLink(match[0], hosts, label);
    if (!link) continue;
    parts.push(text.slice(at, match.index), link);
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}

function asLink(address, hosts, label) {
  try {
    const url = new URL(address);
    if (!hosts.includes(url.hostname) && url.host !== location.host) return null;
    return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", title: label }, address);
  } catch {
    return null;
  }
}
