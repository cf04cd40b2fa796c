// <script src="https://your-desk/widget.js" data-store="demo-us" async></script>
// or <xiaoer-chat store="demo-us" external-id="…" signature="…" name="…" lang="zh"></xiaoer-chat>
(() => {
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const STYLE = `
    :host{all:initial;position:fixed;inset-inline-end:20px;bottom:20px;z-index:2147483000;font-family:system-ui,sans-serif}
    .bubble{position:relative;width:60px;height:60px;border:0;border-radius:50%;background:var(--xiaoer-accent,#1f6f5c);color:#fff;
      cursor:pointer;box-shadow:0 8px 28px rgb(0 0 0/24%);display:grid;place-items:center;margin-inline-start:auto}
    .bubble:focus-visible{outline:3px solid #fff;outline-offset:-6px}
    svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
    .dot{position:absolute;top:2px;inset-inline-end:2px;width:14px;height:14px;border-radius:50%;background:#d63b30;border:2px solid #fff}
    [hidden]{display:none!important}
    iframe{display:block;width:min(400px,calc(100vw - 40px));height:min(640px,calc(100vh - 120px));border:0;border-radius:18px;
      margin-bottom:14px;box-shadow:0 16px 60px rgb(0 0 0/26%);background:#fffefb}
    @media(max-width:480px){:host(.open){inset:0}:host(.open) .bubble{position:absolute;top:10px;inset-inline-end:10px;width:40px;height:40px;box-shadow:none}
      :host(.open) svg{width:20px;height:20px}iframe{width:100vw;height:100dvh;border-radius:0;margin:0}}`;
  const CHAT = "M4 11.5a7.5 7.5 0 0 1 7.5-7.5h1a7.5 7.5 0 0 1 0 15H12l-5 3v-4.200A7.500 7.500 0 0 1 4 11.500z";
  const CLOSE = "M6 6l12 12M18 6L6 18";
  const LABELS = {
    en: ["Open the chat", "Close the chat"],
    zh: ["打开客服对话", "关闭客服对话"],
    es: ["Abrir el chat", "Cerrar el chat"],
    fr: ["Ouvrir la discussion", "Fermer la discussion"],
    de: ["Chat öffnen", "Chat schließen"],
    pt: ["Abrir o chat", "Fechar o chat"],
    ja: ["チャットを開く", "チャットを閉じる"],
    ko: ["채팅 열기", "채팅 닫기"],
    ru: ["Открыть чат", "Закрыть чат"],
    ar: ["فتح المحادثة", "إغلاق المحادثة"],
  };

  class XiaoerChat extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "closed" });
      const sheet = new CSSStyleSheet(); // constructed sheets pass a host page's strict CSP
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      this.button = document.createElement("button");
      this.button.className = "bubble";
      this.button.type = "button";
      this.dot = document.createElement("span");
      this.dot.className = "dot";
      this.dot.hidden = true;
      root.append(this.button);
      this.button.addEventListener("click", () => this.toggle());
      addEventListener("message", (event) => this.hear(event));
      this.draw(false);
    }

    toggle() {
      const opening = !this.frame || this.frame.hidden;
      if (!this.frame) {
        this.frame = document.createElement("iframe");
        this.frame.title = this.labels()[0];
        this.frame.src = this.address();
        this.button.before(this.frame);
      }
      this.frame.hidden = !opening;
      this.draw(opening);
    }

    address() {
      const query = new URLSearchParams({ embed: "1" });
      if (this.getAttribute("lang")) query.set("lang", this.getAttribute("lang"));
      const who = new URLSearchParams();
      for (const [name, key] of [["external-id", "external_id"], ["signature", "signature"], ["name", "name"]])
        if (this.getAttribute(name)) who.set(key, this.getAttribute(name));
      return `${home}/chat/${encodeURIComponent(this.getAttribute("store"))}?${query}#${who}`;
    }

    hear(event) {
      if (event.origin !== home || event.source !== this.frame?.contentWindow) return;
      if (event.data?.type === "xiaoer:message" && this.frame.hidden) this.dot.hidden = false;
    }

    draw(open) {
      this.classList.toggle("open", open);
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 24 24");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", open ? CLOSE : CHAT);
      svg.append(path);
      if (open) this.dot.hidden = true;
      this.button.replaceChildren(svg, this.dot);
      this.button.setAttribute("aria-label", this.labels()[open ? 1 : 0]);
      this.button.setAttribute("aria-expanded", String(open));
    }

    labels() {
      const lang = this.getAttribute("lang") || document.documentElement.lang || navigator.language;
      return LABELS[lang.split("-")[0]] || LABELS.en;
    }
  }

  if (!customElements.get("xiaoer-chat")) customElements.define("xiaoer-chat", XiaoerChat);
  if (!script.dataset.store) return;
  const element = document.createElement("xiaoer-chat");
  for (const [key, value] of Object.entries(script.dataset))
    element.setAttribute(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value);
  const attach = () => document.body.append(element);
  if (document.body) attach();
  else addEventListener("DOMContentLoaded", attach);
})();
