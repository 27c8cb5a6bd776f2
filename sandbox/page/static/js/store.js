import * as api from "./api.js";

/** Name a conversation: a chat, or one topic of a forum. */
export const conversationKey = (chatId, threadId) => `${chatId}:${threadId ?? 0}`;

/** Who and what exists: the bot, the people, the chats with their topics and members. */
export class Store {
  constructor() {
    this.bot = { id: 0, name: "", username: "" };
    this.people = new Map();
    this.chats = new Map();
    this.playing = "";
    this.control = false;
  }

  async load() {
    const boot = await api.bootstrap();
    this.bot = boot.bot;
    this.people = new Map(boot.people.map((person) => [person.id, person]));
    this.chats = new Map(boot.chats.map((chat) => [chat.id, chat]));
    this.playing = boot.playing ?? "";
    this.control = boot.control;
  }

  /** Take a chat as it is now; a group that became a supergroup is gone under its old id. */
  putChat(chat) {
    if (chat.migrated_to) this.chats.delete(chat.id);
    else this.chats.set(chat.id, chat);
  }

  putPerson(person) {
    this.people.set(person.id, person);
  }

  personName(id) {
    return this.people.get(id)?.name ?? String(id);
  }

  /** Tell whether a person has blocked the bot. */
  isBlocked(person) {
    return Boolean(this.chats.get(person)?.blocked);
  }

  isForum(chatId) {
    return Boolean(this.chats.get(chatId)?.is_forum);
  }

  /** List what a person sees: the chat with the bot, then each group or each topic of a forum. */
  conversations(person) {
    const found = [{ chatId: person, threadId: null, title: this.bot.name, kind: "bot" }];
    for (const chat of this.chats.values()) {
      if (chat.type === "private" || !chat.members.includes(person)) continue;
      if (!chat.is_forum) {
        found.push({ chatId: chat.id, threadId: null, title: chat.title, kind: "group" });
        continue;
      }
      found.push({ chatId: chat.id, threadId: null, title: "General", kind: "topic", forum: chat.title });
      for (const topic of chat.topics) {
        found.push({
          chatId: chat.id, threadId: topic.thread_id, title: topic.name, kind: "topic",
          forum: chat.title, closed: topic.closed,
        });
      }
    }
    return found;
  }

  /** Find one conversation of a person, or null when it is not (or no longer) theirs. */
  conversation(person, chatId, threadId) {
    const key = conversationKey(chatId, threadId);
    return this.conversations(person).find((one) => conversationKey(one.chatId, one.threadId) === key) ?? null;
  }

  /** Name a conversation's thread to the page API: 0 is a forum's General, null a chat without topics. */
  threadParameter(chatId, threadId) {
    return this.isForum(chatId) ? threadId ?? 0 : null;
  }

  /** Name the conversation a message belongs to; threads outside forums are not topics. */
  keyOf(message) {
    return conversationKey(message.chat_id, this.isForum(message.chat_id) ? message.thread_id : null);
  }

  /** List the people who see a message: the chat's members, or the one it is meant for. */
  audience(message) {
    if (message.ephemeral_for) return [message.ephemeral_for];
    const chat = this.chats.get(message.chat_id);
    if (!chat || chat.type === "private") return [message.chat_id];
    return chat.members.filter((id) => this.people.has(id));
  }
}
