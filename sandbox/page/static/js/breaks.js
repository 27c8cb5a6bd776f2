import * as api from "./api.js";
import { el } from "./dom.js";
import { span } from "./format.js";

const OFFERED = [
  { label: "Lose the next reply", fault: { kind: "lost_reply", count: 1 } },
  { label: "Outage 20 s", fault: { kind: "outage", seconds: 20 } },
  { label: "429 storm", fault: { kind: "too_many", retry_after: 3, seconds: 15 } },
  { label: "Slow answers", fault: { kind: "delay", delay: 2, seconds: 30 } },
  { label: "Duplicate updates", fault: { kind: "duplicate_updates", seconds: 60 } },
];
const NAMES = {
  delay: "slow answers",
  lost_reply: "lost reply",
  reset_before: "reset before the call",
  reset_after: "reset after the call",
  too_many: "429 storm",
  server_error: "server errors",
  half_body: "half a body",
  duplicate_updates: "duplicate updates",
  reorder_updates: "reordered updates",
  outage: "outage",
};

/** Buttons that make the chat's server misbehave towards the bot, and the list of what is switched on. */
export class Breaks {
  constructor({ notify }) {
    this.notify = notify;
    this.active = [];
    this.clearButton = faultButton("Clear faults", () => void this.post({ clear: true }));
    this.list = el("div", {});
    this.fired = el("p", { class: "fired" });
    const buttons = OFFERED.map(({ label, fault }) => faultButton(label, () => void this.post(fault)));
    this.el = el("div", {}, el("div", { class: "button-row" }, ...buttons, this.clearButton), this.list, this.fired);
    setInterval(() => this.draw(), 1_000);
  }

  async load() {
    try {
      this.show(await api.faults());
    } catch (error) {
      this.notify(error.message);
    }
  }

  /** Switch faults; the event stream shows what came of it, the answer may already be older than that. */
  async post(body) {
    try {
      await api.setFault(body);
    } catch (error) {
      this.notify(error.message);
    }
  }

  show({ faults, fired }) {
    this.active = faults;
    const counts = Object.entries(fired).map(([kind, count]) => `${NAMES[kind] ?? kind} ${count}`);
    this.fired.textContent = counts.length ? `fired so far: ${counts.join(", ")}` : "";
    this.draw();
  }

  draw() {
    const now = Date.now() / 1000;
    const rows = this.active.filter((fault) => fault.until === null || fault.until > now).map((fault) => row(fault, now));
    this.clearButton.disabled = rows.length === 0;
    this.list.replaceChildren(...rows);
  }
}

function faultButton(text, onclick) {
  return el("button", { type: "button", class: "plain-button", text, onclick });
}

function row(fault, now) {
  const limits = [
    fault.method,
    fault.left === null ? null : `${fault.left} left`,
    fault.until === null ? null : `ends in ${span(fault.until - now)}`,
  ];
  return el(
    "p",
    { class: "fault" },
    el("span", { text: [NAMES[fault.kind] ?? fault.kind, ...limits].filter(Boolean).join(" · ") }),
    el("span", { text: `fired ${fault.fired}` }),
  );
}
