import { el, icon, iconButton } from "./dom.js";
import { replyKeyboard } from "./keyboard.js";
import { summary } from "./previews.js";

/** The line a person writes in: text, the command list, the reply bar and the bot's reply keyboard. */
export class Composer {
  constructor({ say, neighbour }) {
    this.say = say;
    this.neighbour = neighbour;
    this.commands = [];
    this.markup = null;
    this.replyTo = null;
    this.picked = 0;
    this.input = el("textarea", {
      rows: "1", placeholder: "Message", "aria-label": "Message", autocomplete: "off", maxlength: "4096",
      oninput: () => this.typed(), onkeydown: (event) => this.key(event),
    });
    this.commandList = el("div", { class: "command-list", role: "listbox", "aria-label": "Commands", hidden: true });
    this.replyBar = el("div", { class: "reply-bar", hidden: true });
    this.commandsButton = iconButton("commands", "Commands", () => this.toggleCommands(), { hidden: true });
    this.keysButton = iconButton("keys", "Suggested answers", () => this.toggleKeys(), { hidden: true, "aria-expanded": "false" });
    this.sendButton = iconButton("send", "Send", () => void this.send());
    this.sendButton.classList.add("send");
    this.keys = el("div", { class: "reply-keyboard-slot", hidden: true });
    this.line = el("div", { class: "line" }, this.commandsButton, this.input, this.keysButton, this.sendButton);
    this.instead = el("button", { type: "button", class: "instead-button", hidden: true, onclick: () => void this.insteadAct() });
    this.el = el("div", { class: "composer" }, this.commandList, this.replyBar, this.line, this.keys, this.instead);
  }

  focus() {
    if (this.instead.hidden) this.input.focus({ preventScroll: true });
    else this.instead.focus({ preventScroll: true });
  }

  /** Offer one button instead of the writing line ("Start" before the chat has begun), or the line again for null. */
  offer(label, act) {
    const had = this.el.contains(document.activeElement);
    this.instead.hidden = label === null;
    this.instead.textContent = label ?? "";
    this.insteadAct = act;
    this.line.hidden = label !== null;
    this.openKeys(label === null && this.rows.length > 0);
    if (had) this.focus();
  }

  get rows() {
    return this.markup?.rows ?? [];
  }

  setCommands(commands) {
    this.commands = commands;
    this.commandsButton.hidden = commands.length === 0;
    this.closeCommands();
  }

  /** Take the bot's reply keyboard (or null) and show it. */
  setKeyboard(markup) {
    this.markup = markup;
    const rows = this.rows;
    this.input.placeholder = markup?.placeholder || "Message";
    this.keysButton.hidden = rows.length === 0;
    this.keys.replaceChildren(...(rows.length ? [replyKeyboard(rows, (text) => void this.press(text))] : []));
    this.openKeys(rows.length > 0 && this.instead.hidden);
  }

  openKeys(open) {
    this.keys.hidden = !open;
    this.keysButton.setAttribute("aria-expanded", String(open));
  }

  toggleKeys() {
    this.openKeys(this.keys.hidden);
  }

  async press(text) {
    const sent = await this.deliver(text);
    if (sent && this.markup?.one_time) this.openKeys(false);
  }

  async send() {
    const text = this.input.value.trim();
    if (!text || this.sending) return;
    this.setText("");
    if (!(await this.deliver(text)) && !this.input.value) this.setText(text);
  }

  /** Say something as a reply to what is picked; false when it could not be sent, and the pick stays. */
  async deliver(text) {
    const reply = this.replyTo;
    this.setReply(null);
    this.sending = true;
    try {
      const sent = await this.say(text, reply?.message_id ?? null);
      if (!sent && reply) this.setReply(reply);
      return sent;
    } finally {
      this.sending = false;
    }
  }

  setText(text) {
    this.input.value = text;
    this.typed();
  }

  typed() {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
    const match = /^\/(\w*)$/.exec(this.input.value);
    if (match) this.showCommands(match[1].toLowerCase());
    else this.closeCommands();
  }

  setReply(message) {
    this.replyTo = message;
    this.replyBar.hidden = !message;
    this.replyBar.replaceChildren();
    if (!message) return;
    this.replyBar.append(
      icon("reply"),
      el("p", {}, el("strong", { text: message.from?.name ?? "" }), el("span", { text: summary(message) })),
      iconButton("close", "Do not reply", () => this.setReply(null)),
    );
  }

  toggleCommands() {
    if (this.commandList.hidden) this.showCommands("");
    else this.closeCommands();
    this.input.focus({ preventScroll: true });
  }

  showCommands(prefix) {
    const found = this.commands.filter((one) => one.command.startsWith(prefix));
    this.picked = Math.max(0, found.findIndex((one) => one.command === prefix));
    this.commandList.replaceChildren(...found.map((one) => this.commandRow(one)));
    this.commandList.hidden = found.length === 0;
    this.showPicked();
  }

  commandRow({ command, description }) {
    return el(
      "button",
      { type: "button", role: "option", tabindex: "-1", dataset: { command }, onclick: () => void this.choose(command) },
      el("span", { class: "command-name", text: `/${command}` }),
      el("span", { class: "command-about", text: description }),
    );
  }

  async choose(command) {
    this.setText("");
    this.closeCommands();
    this.input.focus({ preventScroll: true });
    await this.deliver(`/${command}`);
  }

  closeCommands() {
    this.commandList.hidden = true;
  }

  movePick(step) {
    const count = this.commandList.children.length;
    this.picked = (this.picked + step + count) % count;
    this.showPicked();
  }

  showPicked() {
    [...this.commandList.children].forEach((row, index) => {
      row.setAttribute("aria-selected", String(index === this.picked));
      if (index === this.picked) row.scrollIntoView({ block: "nearest" });
    });
  }

  key(event) {
    if (event.isComposing) return;
    const handled = this.commandList.hidden ? this.writingKey(event) : this.commandKey(event);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  commandKey(event) {
    const command = this.commandList.children[this.picked]?.dataset.command;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.movePick(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter") void this.choose(command);
    else if (event.key === "Tab") this.setText(`/${command} `);
    else if (event.key === "Escape") this.closeCommands();
    else return false;
    return true;
  }

  writingKey(event) {
    if (event.key === "Enter" && !event.shiftKey) void this.send();
    else if (event.key === "Escape" && this.replyTo) this.setReply(null);
    else if (event.key === "ArrowUp" && !this.input.value) this.pickNeighbour(-1);
    else if (event.key === "ArrowDown" && !this.input.value && this.replyTo) this.pickNeighbour(1);
    else return false;
    return true;
  }

  /** Choose what to reply to with the arrow keys, from the newest message upwards. */
  pickNeighbour(step) {
    const message = this.neighbour(this.replyTo?.message_id ?? null, step);
    this.setReply(message);
  }
}
