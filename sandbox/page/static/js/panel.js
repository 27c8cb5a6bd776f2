import * as api from "./api.js";
import { Breaks } from "./breaks.js";
import { CallLog } from "./calls.js";
import { el, iconButton } from "./dom.js";
import { clockWithSeconds, span } from "./format.js";
import { venueTables } from "./venue.js";
import { verifyRows } from "./verify.js";

const POLL = 2_000;

/** The side panel: the desk's process, ways to break things, the venue's own orders, the invariants, the bot's calls. */
export class Panel {
  constructor(app) {
    this.app = app;
    this.shownText = {};
    this.breaks = new Breaks({ notify: (text) => this.notify(text) });
    this.calls = new CallLog();
    this.status = el("p", { class: "desk-status", role: "status" });
    this.killButton = this.orderButton("kill", "kill -9 the desk", "danger");
    this.startButton = this.orderButton("start", "Start it again", "success");
    this.venue = el("div", { class: "venue" });
    this.verify = el("ol", { class: "verify" });
    this.verifyAt = el("small", {});
    this.notice = el("p", { class: "panel-notice", role: "status" });
    this.playing = el("p", { class: "panel-notice narrow-only" });
    this.controlled = [
      section("The desk", this.status, el("div", { class: "button-row" }, this.killButton, this.startButton)),
      section("The venue's own order list", this.venue),
      section(el("span", {}, "Verify ", this.verifyAt), this.verify),
    ];
    const [desk, venue, verify] = this.controlled;
    this.el = el(
      "aside",
      { class: "panel", "aria-label": "Behind the scenes" },
      el(
        "header",
        { class: "panel-header" },
        el("h2", { text: "Behind the scenes" }),
        iconButton("close", "Close", () => app.togglePanel(), { class: "icon-button narrow-only" }),
      ),
      el(
        "div",
        { class: "panel-body" },
        this.playing, this.notice, desk, section("Break things", this.breaks.el), venue, verify,
        section("Bot API calls", this.calls.el),
      ),
    );
    setInterval(() => void this.poll(), POLL);
  }

  async resync() {
    this.playing.textContent = this.app.store.playing;
    this.notice.textContent = "";
    for (const one of this.controlled) one.hidden = !this.app.store.control;
    await Promise.all([this.breaks.load(), this.poll()]);
  }

  shown() {
    void this.poll();
  }

  apply(kind, data) {
    if (kind === "faults") this.breaks.show(data);
    if (kind === "call") this.calls.add(data);
  }

  notify(text) {
    this.notice.textContent = text;
  }

  orderButton(name, text, style) {
    return el("button", { type: "button", class: `plain-button ${style}`, text, onclick: () => void this.order(name) });
  }

  async order(name) {
    this.killButton.disabled = this.startButton.disabled = true;
    try {
      await api.command(name);
    } catch (error) {
      this.notify(error.message);
    }
    await this.poll();
  }

  /** Ask the desk's side what is going on; each part says so itself when it cannot be reached. */
  async poll() {
    const visible = document.visibilityState === "visible" && this.el.getClientRects().length > 0;
    if (!this.app.store.control || !visible || this.polling) return;
    this.polling = true;
    await Promise.all([
      this.ask("status", (status) => this.showStatus(status)),
      this.ask("venue", (venue) => this.venue.replaceChildren(...venueTables(venue.terminals))),
      this.ask("verify", (report) => this.showVerify(report)),
    ]);
    this.polling = false;
  }

  async ask(name, show) {
    try {
      const answer = await api.control(name);
      const text = JSON.stringify(answer);
      if (this.shownText[name] !== text) show(answer);
      this.shownText[name] = text;
      this.el.classList.remove(`no-${name}`);
    } catch (error) {
      delete this.shownText[name];
      this.el.classList.add(`no-${name}`);
      if (name === "status") this.showStatus({ desk: "unreachable", detail: error.message });
    }
  }

  showStatus({ desk, pid, uptime_s: uptime, detail }) {
    const running = desk === "running";
    const parts = [desk, running && pid ? `pid ${pid}` : null, running && uptime ? `up ${span(uptime)}` : null, detail];
    this.status.dataset.state = desk;
    this.status.textContent = parts.filter(Boolean).join(" · ");
    this.killButton.disabled = !running;
    this.startButton.disabled = desk !== "stopped";
  }

  showVerify({ at, checks }) {
    this.verifyAt.textContent = at ? clockWithSeconds(Date.parse(at) / 1000) : "";
    this.verify.replaceChildren(...verifyRows(checks));
  }
}

function section(title, ...content) {
  return el("section", { class: "panel-section" }, el("h3", {}, title), ...content);
}
