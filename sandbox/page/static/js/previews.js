import * as api from "./api.js";
import { conversationKey } from "./store.js";

/** The last message of each conversation, as the chat list shows it, kept per person. */
export class Previews {
  constructor(store) {
    this.store = store;
    this.last = new Map();
  }

  of(person, conversation) {
    return this.last.get(`${person}|${conversationKey(conversation.chatId, conversation.threadId)}`) ?? null;
  }

  async load(person) {
    await Promise.all(this.store.conversations(person).map((one) => this.loadOne(person, one)));
  }

  async loadOne(person, { chatId, threadId }) {
    const key = conversationKey(chatId, threadId);
    const page = await api.messages(chatId, { person, thread: this.store.threadParameter(chatId, threadId), limit: 1 });
    if (page.messages.length) this.last.set(`${person}|${key}`, page.messages[0]);
    else this.last.delete(`${person}|${key}`);
  }

  put(message) {
    for (const person of this.store.audience(message)) {
      const key = `${person}|${this.store.keyOf(message)}`;
      const known = this.last.get(key);
      if (!known || known.message_id <= message.message_id) this.last.set(key, message);
    }
  }

  /** Forget a deleted message and look up what stands last now. */
  async remove(chatId, messageId) {
    for (const [key, message] of this.last) {
      if (message.chat_id !== chatId || message.message_id !== messageId) continue;
      this.last.delete(key);
      const threadId = this.store.isForum(chatId) ? message.thread_id : null;
      await this.loadOne(Number(key.split("|")[0]), { chatId, threadId });
    }
  }
}

/** Say in one line what a message is, for the chat list and for quotes. */
export function summary(message) {
  if (message.service) return message.service;
  if (message.text) return message.text;
  if (message.photo) return message.caption ? `Photo, ${message.caption}` : "Photo";
  if (message.document) return message.caption ?? message.document.name ?? "File";
  return message.caption ?? "Message";
}
