import * as api from "./api.js";
import { conversationKey } from "./store.js";

/**
 * What each person has not read, per conversation. The server keeps one mark per chat; within a forum the page counts
 * per topic, and moves the chat's mark only up to the oldest message that is still unread in any topic.
 */
export class Unread {
  constructor(store) {
    this.store = store;
    this.waiting = new Map();
  }

  async load() {
    const people = [...this.store.people.keys()];
    const fresh = await Promise.all(people.map((person) => this.loadPerson(person)));
    this.waiting = new Map(people.map((person, index) => [person, fresh[index]]));
  }

  async loadPerson(person) {
    const counts = await api.unread(person);
    const ids = new Map();
    await Promise.all(Object.entries(counts).map(async ([chatId, count]) => {
      if (!count) return;
      const page = await api.messages(Number(chatId), { person, limit: Math.min(500, count * 2) });
      const theirs = page.messages.filter((message) => this.counts(message, person)).slice(-count);
      for (const message of theirs) this.note(ids, message);
    }));
    return ids;
  }

  counts(message, person) {
    return !message.service && message.from?.id !== person;
  }

  note(ids, message) {
    const key = this.store.keyOf(message);
    if (!ids.has(key)) ids.set(key, new Set());
    ids.get(key).add(message.message_id);
  }

  put(message) {
    for (const person of this.store.audience(message)) {
      if (!this.counts(message, person)) continue;
      if (!this.waiting.has(person)) this.waiting.set(person, new Map());
      this.note(this.waiting.get(person), message);
    }
  }

  remove(chatId, messageId) {
    for (const ids of this.waiting.values()) {
      for (const [key, set] of ids) if (key.startsWith(`${chatId}:`)) set.delete(messageId);
    }
  }

  set(person, chatId, threadId) {
    return this.waiting.get(person)?.get(conversationKey(chatId, threadId)) ?? new Set();
  }

  count(person, { chatId, threadId }) {
    return this.set(person, chatId, threadId).size;
  }

  total(person) {
    let sum = 0;
    for (const set of this.waiting.get(person)?.values() ?? []) sum += set.size;
    return sum;
  }

  /** Find the oldest unread message of a conversation, or null. */
  first(person, { chatId, threadId }) {
    const set = this.set(person, chatId, threadId);
    return set.size ? Math.min(...set) : null;
  }

  /** Mark a conversation read up to a message; false when nothing changed. */
  async seen(person, { chatId, threadId }, lastId) {
    const set = this.set(person, chatId, threadId);
    const before = set.size;
    for (const id of set) if (id <= lastId) set.delete(id);
    if (set.size === before) return false;
    await api.read({ person, chat_id: chatId, message_id: this.mark(person, chatId, lastId) });
    return true;
  }

  mark(person, chatId, lastId) {
    let oldest = Infinity;
    for (const [key, set] of this.waiting.get(person) ?? []) {
      if (key.startsWith(`${chatId}:`) && set.size) oldest = Math.min(oldest, ...set);
    }
    return Math.min(lastId, oldest - 1);
  }
}
