import * as api from "./api.js";
import { Composer } from "./composer.js";
import { badge, el, face, iconButton } from "./dom.js";
import { classify } from "./links.js";
import { openMenu } from "./menu.js";
import { enlarge, toast } from "./overlays.js";
import { PinnedBar } from "./pinned.js";
import { followable } from "./safehtml.js";
import { conversationKey } from "./store.js";
import { Timeline } from "./timeline.js";

const PAGE = 60;
// Ephemeral messages are numbered by fractions, coarser than this.
const JUST_AFTER = 1e-7;
const READ_AFTER = 150;
const TYPING_FOR = 5_000;

/** One conversation as one person sees it: header, pinned message, messages, writing line. */
export class ChatView {
  constructor(pane, conversation) {
    this.pane = pane;
    this.app = pane.app;
    this.person = pane.person;
    this.conversation = conversation;
    this.key = conversationKey(conversation.chatId, conversation.threadId);
    this.held = [];
    this.turn = 0;
    this.composer = new Composer({
      say: (text, replyTo) => this.say(text, replyTo),
      neighbour: (id, step) => this.neighbour(id, step),
    });
    this.timeline = new Timeline({
      person: this.person,
      actions: this.actions(),
      loadOlder: (before) => this.fetchPage(before),
      onBottom: () => this.read(),
    });
    this.pinned = new PinnedBar({ fetch: (id) => this.fetchOne(id), jump: (id) => this.timeline.jump(id) });
    this.back = iconButton("back", "All chats", () => pane.showList());
    this.back.classList.add("back");
    this.title = el("h2", { class: "chat-title", text: conversation.title });
    this.subtitle = el("p", { class: "chat-subtitle" });
    this.el = el(
      "section",
      { class: this.isPrivate ? "chat private" : "chat", "aria-label": conversation.title },
      this.header(), this.pinned.el, this.timeline.el, this.composer.el,
    );
    this.el.addEventListener("keydown", (event) => this.onKey(event));
    this.showSubtitle();
    this.showElsewhere();
  }

  get isPrivate() {
    return this.conversation.kind === "bot";
  }

  header() {
    const menu = iconButton("more", "More", () => this.openMenu(menu), { "aria-haspopup": "menu", "aria-expanded": "false" });
    return el(
      "header",
      { class: "chat-header" },
      this.back,
      face(this.conversation, this.app.store.bot.id),
      el("div", { class: "chat-names" }, this.title, this.subtitle),
      menu,
    );
  }

  actions() {
    return {
      press: (message, button) => this.press(message, button),
      isBusy: (message, data) => this.app.taps.isBusy(this.person, message, data),
      follow: (url) => this.follow(url),
      command: (text) => void this.say(text, null),
      enlarge,
      toast: (text) => toast(this.pane.el, text),
      menu: (event, row) => this.messageMenu(event, row),
    };
  }

  /** Show on the way back how much waits unread in this person's other conversations. */
  showElsewhere() {
    const { unread } = this.app;
    this.back.querySelector(".badge")?.remove();
    const mark = badge(unread.total(this.person) - unread.count(this.person, this.conversation));
    if (mark) this.back.append(mark);
  }

  /** Load the newest messages; events that come meanwhile are applied afterwards, in their order. */
  async load({ first } = { first: false }) {
    const turn = ++this.turn;
    this.held ??= [];
    try {
      const page = await this.fetchPage(undefined);
      if (turn === this.turn) await this.show(page, first);
    } finally {
      if (turn === this.turn) this.release();
    }
  }

  async show(page, first) {
    const unread = this.app.unread.first(this.person, this.conversation);
    this.composer.setCommands(page.commands);
    this.composer.setKeyboard(page.reply_keyboard);
    this.timeline.show(page.messages, page.more);
    this.empty = page.messages.length === 0;
    this.showComposer();
    if (first) this.timeline.openAt(unread);
    else if (this.timeline.stuck) this.timeline.toBottom();
    await this.pinned.show(page.pinned);
  }

  release() {
    const held = this.held;
    this.held = null;
    for (const [kind, data] of held) this.take(kind, data);
  }

  fetch(limit, before) {
    const { chatId, threadId } = this.conversation;
    const thread = this.app.store.threadParameter(chatId, threadId);
    return api.messages(chatId, { person: this.person, thread, limit, before });
  }

  async fetchPage(before) {
    const page = await this.fetch(PAGE, before);
    return { ...page, more: page.messages.length >= PAGE };
  }

  async fetchOne(id) {
    const page = await this.fetch(1, id + JUST_AFTER);
    return page.messages.find((message) => message.message_id === id) ?? null;
  }

  mine(message) {
    return this.app.store.keyOf(message) === this.key && (!message.ephemeral_for || message.ephemeral_for === this.person);
  }

  close() {
    clearTimeout(this.typingTimer);
    if (this.readTimer) this.readNow();
    this.turn += 1;
    this.timeline.close();
  }

  /** Take a live event; while the page loads it waits its turn. */
  apply(kind, data) {
    if (this.held) this.held.push([kind, data]);
    else this.take(kind, data);
  }

  take(kind, data) {
    if (kind === "message" || kind === "edit") this.takeMessage(kind, data);
    else if (kind === "commands") void this.reloadCommands();
    else if (kind === "chat") this.takeChat(data);
    else if (data.chat_id !== this.conversation.chatId) return;
    else if (kind === "delete") this.takeDelete(data.message_id);
    else if (kind === "pin") void this.pinned.show(data.pinned);
    else if (kind === "keyboard" && data.person === this.person) this.takeKeyboard(data.reply_keyboard);
    else if (kind === "typing") this.takeTyping(data);
  }

  takeMessage(kind, message) {
    if (!this.mine(message)) return;
    if (kind === "edit") {
      // An edit of a message older than what is loaded shows when the reader gets there.
      if (this.timeline.rows.has(message.message_id)) this.timeline.put(message);
      return;
    }
    this.timeline.arrived(message);
    // What is said to one person in place of a message hides that message from them.
    if (message.replaces) this.timeline.remove(message.replaces);
    if (message.from?.is_bot) this.stopTyping();
    if (this.empty) {
      this.empty = false;
      this.showComposer();
    }
    if (this.timeline.stuck) this.read();
  }

  takeKeyboard(markup) {
    this.composer.setKeyboard(markup);
    if (markup?.force_reply) this.composer.setReply(this.neighbour(null, -1));
  }

  takeDelete(id) {
    const replaced = this.timeline.rows.get(id)?.message.replaces;
    this.timeline.remove(id);
    if (replaced) void this.pane.guard(this.load());
  }

  /** Follow a change of the chat itself: renamed, blocked, a member more or less. */
  takeChat(chat) {
    if (chat.id !== this.conversation.chatId) return;
    const now = this.app.store.conversation(this.person, chat.id, this.conversation.threadId);
    if (now) {
      this.conversation = now;
      this.title.textContent = now.title;
      this.showSubtitle();
      this.showComposer();
    } else if (chat.migrated_to) void this.pane.follow(chat.migrated_to);
    else void this.pane.showList();
  }

  takeTyping({ person, thread_id: threadId }) {
    if (person === this.person || (threadId ?? null) !== this.conversation.threadId) return;
    const who = person ? this.app.store.personName(person) : this.app.store.bot.name;
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.stopTyping(), TYPING_FOR);
    this.showSubtitle(this.isPrivate ? "typing…" : `${who} is typing…`);
  }

  stopTyping() {
    clearTimeout(this.typingTimer);
    this.showSubtitle();
  }

  showSubtitle(typing) {
    const chat = this.app.store.chats.get(this.conversation.chatId);
    const count = chat?.members?.length ?? 0;
    const about = this.isPrivate ? "bot" : [this.conversation.forum, `${count} members`].filter(Boolean).join(" · ");
    this.subtitle.textContent = typing ?? about;
    this.subtitle.classList.toggle("typing", Boolean(typing));
  }

  showComposer() {
    if (this.isPrivate && this.app.store.isBlocked(this.person)) this.composer.offer("Unblock", () => this.block(false));
    else if (this.isPrivate && this.empty) this.composer.offer("Start", () => this.attempt(() => api.start({ person: this.person })));
    else this.composer.offer(null, null);
  }

  async reloadCommands() {
    const page = await this.fetch(1);
    this.composer.setCommands(page.commands ?? []);
  }

  /** Tell the server soon what has been read: once for a burst of messages. */
  read() {
    this.readTimer ??= setTimeout(() => this.readNow(), READ_AFTER);
  }

  readNow() {
    clearTimeout(this.readTimer);
    this.readTimer = null;
    const last = this.timeline.lastId();
    const visible = document.visibilityState === "visible" && this.el.getClientRects().length > 0;
    if (visible && last !== null) void this.app.read(this.person, this.conversation, last);
  }

  async say(text, replyTo) {
    const { chatId, threadId } = this.conversation;
    const body = { person: this.person, chat_id: chatId, text };
    if (threadId !== null) body.thread_id = threadId;
    if (replyTo !== null) body.reply_to = replyTo;
    return this.attempt(() => api.say(body));
  }

  /** Do something that can fail, telling the person when it does; true when it worked. */
  async attempt(act) {
    try {
      await act();
      return true;
    } catch (error) {
      toast(this.pane.el, error.message);
      return false;
    }
  }

  press(message, button) {
    if (button.kind === "callback") return this.attempt(() => this.app.taps.press(this.person, message, button.data));
    if (button.kind.startsWith("copy")) return this.copy(button.data ?? button.text);
    const url = followable(button.url ?? "");
    return url ? this.follow(url) : toast(this.pane.el, "This button's address cannot be opened.");
  }

  follow(url) {
    const action = classify(url, this.app.store.bot.username);
    if (action.kind === "start") return this.pane.startBot(action.payload);
    if (action.kind === "show") return this.pane.showBot();
    return window.open(action.url.href, "_blank", "noopener,noreferrer");
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(this.pane.el, "Copied");
    } catch {
      toast(this.pane.el, text);
    }
  }

  block(blocked) {
    return this.attempt(() => api.block({ person: this.person, blocked }));
  }

  neighbour(id, step) {
    const messages = [...this.timeline.list.children]
      .map((element) => this.timeline.rowOf(element).message)
      .filter((message) => !message.service);
    if (id === null) return messages.at(-1) ?? null;
    const at = messages.findIndex((message) => message.message_id === id);
    return step < 0 ? messages[Math.max(0, at - 1)] : messages[at + 1] ?? null;
  }

  openMenu(anchor) {
    const blocked = this.app.store.isBlocked(this.person);
    const items = [{ label: "Transcript as text", href: api.transcriptAddress(this.conversation.chatId, this.person) }];
    if (this.isPrivate) items.push({ label: blocked ? "Unblock the bot" : "Block the bot", act: () => this.block(!blocked) });
    openMenu(this.pane.el, { anchor, label: "More", items });
  }

  reply(message) {
    this.composer.setReply(message);
    this.composer.focus();
  }

  messageMenu(event, row) {
    if (event.target.closest("a, img") || String(window.getSelection())) return;
    event.preventDefault();
    const { message } = row;
    openMenu(this.pane.el, {
      at: { x: event.clientX, y: event.clientY },
      label: "Message",
      items: [
        { label: "Reply", act: () => this.reply(message) },
        { label: "Copy text", act: () => this.copy(message.text ?? message.caption ?? "") },
      ],
    });
  }

  onKey(event) {
    if (event.key === "Escape" && !event.defaultPrevented) this.pane.showList();
  }
}
