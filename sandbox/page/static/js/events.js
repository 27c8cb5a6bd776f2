const KINDS = [
  "message", "edit", "delete", "typing", "toast", "pin", "keyboard", "chat", "commands", "faults", "call",
];
const FIRST_RETRY = 400;
const LAST_RETRY = 3_000;
const PATIENCE = 500;

/**
 * Follow the sandbox's event stream. Each (re)connection calls `onOpen`, upon which everything shown is loaded anew;
 * what happened in between needs no replay, so a fresh connection is opened instead of a resumed one.
 */
export class EventStream {
  constructor({ onOpen, onEvent, onDown }) {
    this.onOpen = onOpen;
    this.onEvent = onEvent;
    this.onDown = onDown;
    this.wait = FIRST_RETRY;
    this.downTimer = null;
  }

  connect() {
    const source = new EventSource("/page/events");
    source.addEventListener("open", () => this.opened());
    source.addEventListener("error", () => this.failed(source));
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => this.onEvent(kind, JSON.parse(event.data)));
    }
  }

  opened() {
    clearTimeout(this.downTimer);
    this.downTimer = null;
    this.wait = FIRST_RETRY;
    this.onOpen();
  }

  failed(source) {
    source.close();
    // A blink shorter than this is not worth a banner.
    this.downTimer ??= setTimeout(() => this.onDown(), PATIENCE);
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LAST_RETRY);
  }
}
