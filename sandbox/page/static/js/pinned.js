import { el, icon } from "./dom.js";
import { summary } from "./previews.js";

/** The bar with the pinned message; each press goes to it and then shows the one pinned before. */
export class PinnedBar {
  constructor({ fetch, jump }) {
    this.fetch = fetch;
    this.jump = jump;
    this.messages = [];
    this.at = 0;
    this.text = el("span", { class: "pinned-text" });
    this.label = el("strong", {});
    this.el = el(
      "button",
      { type: "button", class: "pinned", hidden: true, "aria-label": "Go to the pinned message", onclick: () => this.press() },
      icon("pin"),
      el("span", { class: "pinned-body" }, this.label, this.text),
    );
  }

  /** Show the pinned messages of this conversation, the latest first; ids of other topics find nothing here. */
  async show(ids) {
    const found = await Promise.all(ids.map((id) => this.fetch(id)));
    this.messages = found.filter(Boolean).toSorted((a, b) => b.message_id - a.message_id);
    this.at = 0;
    this.draw();
  }

  press() {
    const message = this.messages[this.at];
    this.at = (this.at + 1) % this.messages.length;
    this.draw();
    return this.jump(message.message_id);
  }

  draw() {
    const message = this.messages[this.at];
    this.el.hidden = !message;
    if (!message) return;
    this.label.textContent = this.messages.length > 1 ? `Pinned ${this.messages.length - this.at} of ${this.messages.length}` : "Pinned";
    this.text.textContent = summary(message);
  }
}
