import { el } from "./dom.js";

const KEPT = 60;

/** The latest calls of the bot with their answers, the newest on top. */
export class CallLog {
  constructor() {
    this.list = el("ol", { class: "calls" });
    this.el = el("div", { class: "calls-frame", tabindex: "0", role: "region", "aria-label": "Bot API calls" }, this.list);
  }

  add({ method, ok, error_code: code, description, ms }) {
    const answer = ok ? `${Math.round(ms)} ms` : [code, description].filter(Boolean).join(" ");
    this.list.prepend(el(
      "li",
      { class: ok ? "call" : "call failed" },
      el("span", { class: "call-method", text: method }),
      el("span", { class: "call-answer", text: answer || "no answer" }),
    ));
    while (this.list.children.length > KEPT) this.list.lastElementChild.remove();
  }
}
