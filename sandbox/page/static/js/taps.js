import * as api from "./api.js";

// Telegram stops waiting for an answer about then; afterwards the button can be pressed again.
const GIVE_UP = 20_000;
const REMEMBERED = 200;

/** Presses of inline buttons that the bot has not answered yet. */
export class Taps {
  constructor(onChange) {
    this.onChange = onChange;
    this.busy = new Set();
    this.waiting = new Map();
    this.answered = new Set();
  }

  static key(person, chatId, messageId, data) {
    return [person, chatId, messageId, data].join("|");
  }

  isBusy(person, message, data) {
    return this.busy.has(Taps.key(person, message.chat_id, message.message_id, data));
  }

  async press(person, message, data) {
    const key = Taps.key(person, message.chat_id, message.message_id, data);
    if (this.busy.has(key)) return;
    this.busy.add(key);
    this.onChange();
    try {
      const { callback_query_id: id } = await api.tap({
        person, chat_id: message.chat_id, message_id: message.message_id, data,
      });
      // The answer can overtake the reply that names the query.
      if (this.answered.delete(id)) this.release(key);
      else this.wait(id, key);
    } catch (error) {
      this.release(key);
      throw error;
    }
  }

  wait(id, key) {
    this.waiting.set(id, { key, timer: setTimeout(() => this.answer(id), GIVE_UP) });
  }

  answer(id) {
    const pending = this.waiting.get(id);
    if (!pending) {
      this.answered.add(id);
      if (this.answered.size > REMEMBERED) this.answered.delete(this.answered.values().next().value);
      return;
    }
    clearTimeout(pending.timer);
    this.waiting.delete(id);
    this.release(pending.key);
  }

  release(key) {
    this.busy.delete(key);
    this.onChange();
  }
}
