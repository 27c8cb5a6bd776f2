import { el, icon, tint } from "./dom.js";
import { clock, dayLabel, fileSize, fullTime } from "./format.js";
import { inlineKeyboard, showBusy } from "./keyboard.js";
import { linkCommands } from "./links.js";
import { safeNodes } from "./safehtml.js";

const JOIN_WITHIN = 300;

/**
 * One message on the screen. `update` redraws only the parts that changed, so that an edit neither blinks the picture
 * nor moves the reader nor takes the focus off a button.
 */
export class MessageRow {
  constructor(message, person, actions) {
    this.person = person;
    this.actions = actions;
    this.parts = {};
    this.drawn = {};
    this.el = el("li", { class: "row", dataset: { mid: message.message_id } });
    this.update(message);
  }

  get id() {
    return this.message.message_id;
  }

  get own() {
    return this.message.from?.id === this.person;
  }

  update(message) {
    this.message = message;
    this.el.classList.toggle("own", this.own && !message.service);
    this.el.classList.toggle("service", Boolean(message.service));
    if (message.service) this.drawService(message);
    else this.drawBubble(message);
  }

  drawService(message) {
    this.el.replaceChildren(el("p", { class: "service-text", text: message.service, title: fullTime(message.date) }));
    this.parts = {};
    this.drawn = {};
  }

  drawBubble(message) {
    if (!this.parts.bubble) this.makeBubble();
    this.draw("from", message.from, () => this.fromLine(message));
    this.draw("forwarded", message.forwarded_from, () => el("p", { class: "forwarded", text: `Forwarded from ${message.forwarded_from}` }));
    this.draw("quote", message.reply_to, () => this.quote(message.reply_to));
    this.draw("photo", message.photo, () => this.photo(message));
    this.draw("document", message.document, () => this.document(message.document));
    this.draw("body", message.html || message.text || message.caption, () => this.body(message));
    this.draw("foot", [message.date, message.edit_date, message.ephemeral_for, message.silent], () => this.foot(message));
    this.draw("keyboard", message.buttons?.length ? message.buttons : null, () => this.keyboard(message.buttons), this.parts.stack);
    this.parts.stack.classList.toggle("with-photo", Boolean(message.photo));
    this.parts.stack.classList.toggle("with-keys", Boolean(message.buttons?.length));
    this.parts.bubble.classList.toggle("ephemeral", Boolean(message.ephemeral_for));
  }

  makeBubble() {
    const bubble = el("article", { class: "bubble", tabindex: "-1" });
    for (const name of ["from", "forwarded", "quote", "photo", "document", "body", "foot"]) {
      bubble.append((this.parts[name] = el("div", { class: `slot slot-${name}` })));
    }
    const stack = el("div", { class: "stack" }, bubble, (this.parts.keyboard = el("div", { class: "slot" })));
    Object.assign(this.parts, { bubble, stack });
    bubble.addEventListener("contextmenu", (event) => this.actions.menu(event, this));
    this.el.replaceChildren(stack);
  }

  /** Fill one slot when what it shows has changed; null empties it. */
  draw(name, value, make) {
    const now = JSON.stringify(value ?? null);
    if (this.drawn[name] === now) return;
    this.drawn[name] = now;
    const focused = [...this.parts[name].querySelectorAll("button")].indexOf(document.activeElement);
    this.parts[name].replaceChildren(...(value ? [make()] : []));
    if (focused >= 0) this.parts[name].querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  }

  fromLine(message) {
    return el("p", { class: `from tinted-${tint(message.from.id)}` }, message.from.name);
  }

  quote(reply) {
    return el(
      "button",
      {
        type: "button", class: "quote", "aria-label": `Go to the message by ${reply.from_name}`,
        onclick: () => this.actions.jump(reply.message_id),
      },
      el("strong", { text: reply.from_name }),
      el("span", { text: reply.text || "Message" }),
    );
  }

  photo(message) {
    const { url, width, height } = message.photo;
    const image = el("img", { src: url, width, height, alt: message.caption || "Picture" });
    return el(
      "button",
      {
        type: "button", class: "photo", "aria-label": "Enlarge the picture",
        onclick: () => this.actions.enlarge(message.photo, image.alt),
      },
      image,
    );
  }

  document(file) {
    return el(
      "a",
      { class: "document", href: file.url, download: file.name ?? "" },
      el("span", { class: "document-icon" }, icon("file")),
      el("span", { class: "document-name", text: file.name ?? "File" }),
      el("span", { class: "document-size", text: fileSize(file.size ?? 0) }),
    );
  }

  body(message) {
    const body = el("div", { class: "body", dir: "auto" });
    if (message.html) body.append(safeNodes(message.html, this.actions.follow));
    else body.append(message.text ?? message.caption);
    if (message.entities?.some((entity) => entity.type === "bot_command")) linkCommands(body, this.actions.command);
    return body;
  }

  foot(message) {
    return el(
      "p",
      { class: "foot" },
      message.ephemeral_for ? el("span", { class: "only-you", text: "only you can see this" }) : null,
      message.silent ? el("span", { class: "silent", title: "Sent without a sound" }, icon("mute")) : null,
      message.edit_date ? el("span", { class: "edited", text: "edited" }) : null,
      el("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullTime(message.date), text: clock(message.date) }),
    );
  }

  keyboard(buttons) {
    return inlineKeyboard(buttons, { press: (button) => this.actions.press(this.message, button), isBusy: this.isBusy });
  }

  isBusy = (data) => this.actions.isBusy(this.message, data);

  refreshBusy() {
    if (this.parts.keyboard) showBusy(this.parts.keyboard, this.isBusy);
  }

  /** Join the row to the one above it (same author, same minutes) or start a new block, and name a new day. */
  follow(previous) {
    const day = dayLabel(this.message.date);
    const newDay = !previous || dayLabel(previous.message.date) !== day;
    const joined = !newDay && !previous.message.service && previous.message.from?.id === this.message.from?.id
      && this.message.date - previous.message.date < JOIN_WITHIN;
    this.el.classList.toggle("joined", joined);
    if (newDay) this.el.dataset.day = day;
    else delete this.el.dataset.day;
  }
}
