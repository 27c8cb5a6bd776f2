import * as api from "./api.js";
import { ChatView } from "./chat.js";
import { chatList } from "./chatlist.js";
import { avatar, badge, el, icon, iconButton } from "./dom.js";
import { closeMenu, openMenu } from "./menu.js";
import { alertBox, toast } from "./overlays.js";
import { recall, remember } from "./prefs.js";
import { conversationKey } from "./store.js";

/** A phone on the screen: one person at a time, showing the list of chats or one chat. */
export class Pane {
  constructor(app, slot, defaultPerson) {
    this.app = app;
    this.slot = slot;
    const last = recall(`pane.${slot}`) ?? {};
    this.person = app.store.people.has(last.person) ? last.person : defaultPerson;
    this.wanted = last.chat === undefined ? { chat: this.person, thread: null } : last;
    this.view = null;
    this.frame = null;
    this.switcher = el("button", {
      type: "button", class: "switcher", "aria-haspopup": "menu", "aria-expanded": "false",
      onclick: () => this.openPeople(),
    });
    this.bar = el(
      "div",
      { class: "person-bar" },
      this.switcher,
      iconButton("theme", "Light or dark", () => app.toggleTheme(), { class: "icon-button narrow-only" }),
      iconButton("panel", "Behind the scenes", () => app.togglePanel(), { class: "icon-button narrow-only" }),
    );
    this.content = el("div", { class: "pane-content" });
    this.el = el("div", { class: "pane", dataset: { slot } }, this.bar, this.content, el("div", { class: "toasts" }));
  }

  /** Show what was open last, or the private chat with the bot the first time. */
  async open() {
    this.showSwitcher();
    const conversation = this.wanted.chat === null ? null : this.app.store.conversation(this.person, this.wanted.chat, this.wanted.thread);
    if (conversation) await this.openChat(conversation);
    else await this.showList();
  }

  async setPerson(person) {
    if (person === this.person) return;
    this.person = person;
    this.showSwitcher();
    await this.showBot();
  }

  async openChat(conversation) {
    const known = this.view?.key === conversationKey(conversation.chatId, conversation.threadId) && this.view.person === this.person;
    if (known) return;
    this.leave();
    this.view = new ChatView(this, conversation);
    this.content.replaceChildren(this.view.el);
    this.keep({ chat: conversation.chatId, thread: conversation.threadId });
    await this.guard(this.view.load({ first: true }));
    if (!matchMedia("(pointer: coarse)").matches) this.view?.composer.focus();
  }

  async showList() {
    this.leave();
    this.keep({ chat: null, thread: null });
    this.drawList();
    await this.guard(this.app.previews.load(this.person));
    this.drawList();
    this.content.querySelector(".chat-row")?.focus({ preventScroll: true });
  }

  leave() {
    closeMenu();
    this.view?.close();
    this.view = null;
  }

  keep(open) {
    this.wanted = open;
    remember(`pane.${this.slot}`, { person: this.person, ...open });
  }

  drawList() {
    if (this.view) return;
    const typed = this.content.querySelector("input")?.value ?? "";
    const focused = this.content.contains(document.activeElement) ? this.focusPath() : null;
    const list = chatList(this.app, this.person, {
      open: (conversation) => void this.openChat(conversation),
      newGroup: (title) => void this.newGroup(title),
    });
    this.content.replaceChildren(el("nav", { class: "chats", "aria-label": "Chats" }, list));
    this.content.querySelector("input").value = typed;
    if (focused) this.content.querySelector(focused)?.focus({ preventScroll: true });
  }

  focusPath() {
    const row = document.activeElement.closest(".chat-row");
    return row ? `.chat-row[data-chat="${row.dataset.chat}"][data-thread="${row.dataset.thread}"]` : "input";
  }

  async newGroup(title) {
    await this.guard((async () => {
      const chat = await api.addGroup(title, this.person);
      this.app.store.putChat(chat);
      await this.openChat(this.app.store.conversation(this.person, chat.id, null));
    })());
  }

  /** Go on in the chat that a group has become, once it is known. */
  async follow(chatId) {
    await this.guard(this.app.store.load());
    const conversation = this.app.store.conversation(this.person, chatId, null);
    if (conversation) await this.openChat(conversation);
    else await this.showList();
  }

  /** Follow a deep link: the private chat opens and the person presses Start with the payload. */
  async startBot(payload) {
    await this.showBot();
    await this.guard(api.start(payload ? { person: this.person, payload } : { person: this.person }));
  }

  showBot() {
    return this.openChat(this.app.store.conversation(this.person, this.person, null));
  }

  async guard(promise) {
    try {
      await promise;
    } catch (error) {
      toast(this.el, error.message);
    }
  }

  showSwitcher() {
    const person = this.app.store.people.get(this.person);
    this.switcher.setAttribute("aria-label", `${person.name}, switch person`);
    this.switcher.replaceChildren(
      avatar(person.id, person.name),
      el("span", { class: "switcher-text" }, el("strong", { text: person.name }), el("small", { text: person.note ?? "" })),
      icon("down"),
    );
  }

  openPeople() {
    const items = [...this.app.store.people.values()].map((person) => ({
      checked: person.id === this.person,
      act: () => void this.setPerson(person.id),
      node: el(
        "span",
        { class: "person-choice" },
        avatar(person.id, person.name),
        el("span", { class: "switcher-text" }, el("strong", { text: person.name }), el("small", { text: person.note ?? "" })),
        badge(this.app.unread.total(person.id)),
      ),
    }));
    openMenu(this.el, { anchor: this.switcher, label: "People", items, footer: this.personForm() });
  }

  personForm() {
    const input = el("input", { type: "text", placeholder: "Add a person", "aria-label": "Name of the new person", maxlength: "60" });
    const submit = async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (!name) return;
      closeMenu();
      await this.guard((async () => {
        const person = await api.addPerson(name);
        this.app.store.putPerson(person);
        await this.setPerson(person.id);
      })());
    };
    const add = el("button", { type: "submit", class: "plain-button", text: "Add" });
    return el("form", { class: "inline-form", onsubmit: submit }, input, add);
  }

  /** Take a live event: the open chat shows it, the list and the badges follow. */
  apply(kind, data) {
    this.view?.apply(kind, data);
    if (["message", "edit", "delete", "chat"].includes(kind)) this.refreshList();
    if (kind === "toast" && data.person === this.person) this.showAnswer(data);
  }

  showAnswer({ text, alert, url }) {
    if (text && alert) alertBox(this.el, text);
    else if (text) toast(this.el, text);
    if (url && this.view) this.view.follow(new URL(url));
  }

  /** Redraw list and counts with the next frame, once for however many events came before it. */
  refreshList() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawList();
      this.view?.showElsewhere();
    });
  }

  /** Blink once when something loud came in for this person where they are not looking. */
  flash() {
    this.bar.classList.remove("flash");
    void this.bar.offsetWidth;
    this.bar.classList.add("flash");
  }

  refreshBusy() {
    this.view?.timeline.refreshBusy();
  }

  /** Load again what is shown, after the connection was away. */
  async resync() {
    this.showSwitcher();
    if (this.view) await this.guard(this.view.load());
    else await this.showList();
  }
}
