import { el } from "./dom.js";
import { EventStream } from "./events.js";
import { Pane } from "./pane.js";
import { Panel } from "./panel.js";
import { Previews } from "./previews.js";
import { recall, remember } from "./prefs.js";
import { refreshRelativeTimes } from "./safehtml.js";
import { Store } from "./store.js";
import { Taps } from "./taps.js";
import { Unread } from "./unread.js";

const TICK = 15_000;
const RETRY = 1_000;

/** The page: two panes and the side panel over one store, fed by one event stream. */
class App {
  constructor(root) {
    this.root = root;
    this.store = new Store();
    this.unread = new Unread(this.store);
    this.previews = new Previews(this.store);
    this.taps = new Taps(() => this.panes.forEach((pane) => pane.refreshBusy()));
    this.panes = [];
    this.held = [];
    this.turn = 0;
    this.banner = document.querySelector("#banner");
    this.stream = new EventStream({
      onOpen: () => void this.resync(),
      onEvent: (kind, data) => this.receive(kind, data),
      onDown: () => this.showBanner(true),
    });
  }

  run() {
    this.setTheme(recall("theme"));
    document.querySelector("#theme").addEventListener("click", () => this.toggleTheme());
    document.querySelector("#panel-toggle").addEventListener("click", () => this.togglePanel());
    document.addEventListener("visibilitychange", () => this.panes.forEach((pane) => pane.view?.read()));
    addEventListener("resize", () => this.panes.forEach((pane) => pane.view?.read()));
    setInterval(() => refreshRelativeTimes(document), TICK);
    this.stream.connect();
  }

  /** Load everything anew; events that arrive meanwhile are taken afterwards. */
  async resync() {
    const turn = ++this.turn;
    this.held = [];
    try {
      await this.store.load();
      await this.unread.load();
    } catch {
      if (turn === this.turn) this.retryResync(turn);
      return;
    }
    if (turn !== this.turn) return;
    if (this.panes.length === 0) this.build();
    document.querySelector("#playing").textContent = this.store.playing;
    const held = this.held;
    this.held = null;
    const shown = Promise.all(this.panes.map((pane) => (pane.opened ? pane.resync() : pane.open())));
    this.panes.forEach((pane) => (pane.opened = true));
    for (const [kind, data] of held) this.take(kind, data);
    await shown;
    await this.panel.resync();
    this.showBanner(false);
  }

  retryResync(turn) {
    this.showBanner(true);
    setTimeout(() => turn === this.turn && void this.resync(), RETRY);
  }

  build() {
    const [first, second] = this.defaultPeople();
    this.panes = [new Pane(this, "left", first), new Pane(this, "right", second)];
    this.panel = new Panel(this);
    this.root.replaceChildren(...this.panes.map((pane) => pane.el), this.panel.el);
    this.root.removeAttribute("aria-busy");
  }

  defaultPeople() {
    const ids = [...this.store.people.keys()];
    const commander = [...this.store.people.values()].find((person) => /commander/i.test(person.note ?? ""));
    return [ids[0], commander?.id ?? ids[1] ?? ids[0]];
  }

  receive(kind, data) {
    if (this.held) this.held.push([kind, data]);
    else this.take(kind, data);
  }

  take(kind, data) {
    if (kind === "chat") this.store.putChat(data);
    if (kind === "message") this.takeMessage(data);
    if (kind === "edit") this.previews.put(data);
    if (kind === "delete") this.takeDelete(data);
    if (kind === "toast") this.taps.answer(data.callback_query_id);
    for (const pane of this.panes) pane.apply(kind, data);
    this.panel.apply(kind, data);
  }

  takeMessage(message) {
    this.previews.put(message);
    this.unread.put(message);
    if (message.silent || message.service) return;
    const audience = this.store.audience(message);
    for (const pane of this.panes) {
      const looking = pane.view?.key === this.store.keyOf(message);
      if (audience.includes(pane.person) && message.from?.id !== pane.person && !looking) pane.flash();
    }
  }

  takeDelete({ chat_id: chatId, message_id: messageId }) {
    this.unread.remove(chatId, messageId);
    void this.previews.remove(chatId, messageId).then(() => this.refreshLists(), () => this.refreshLists());
  }

  async read(person, conversation, lastId) {
    try {
      if (await this.unread.seen(person, conversation, lastId)) this.refreshLists();
    } catch {
      // A mark that did not arrive is set again with the next message that is read.
      this.refreshLists();
    }
  }

  refreshLists() {
    this.panes.forEach((pane) => pane.refreshList());
  }

  showBanner(down) {
    this.banner.replaceChildren(...(down ? [el("span", { text: "reconnecting…" })] : []));
  }

  setTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
  }

  toggleTheme() {
    const now = document.documentElement.dataset.theme
      ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    this.setTheme(next);
    remember("theme", next);
  }

  togglePanel() {
    document.documentElement.classList.toggle("panel-flipped");
    this.panel.shown();
  }
}

new App(document.querySelector("#app")).run();
