import { el, iconButton } from "./dom.js";
import { MessageRow } from "./message.js";

const NEAR_BOTTOM = 40;
const NEAR_TOP = 200;
const JUMP_PAGES = 10;
const MOST_ROWS = 400;
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * The scrolling list of a conversation's messages, in message order. It sticks to the newest message while the reader
 * is there, and never moves what the reader looks at when something changes elsewhere.
 */
export class Timeline {
  constructor({ person, actions, loadOlder, onBottom }) {
    this.person = person;
    this.actions = { ...actions, jump: (id) => this.jump(id) };
    this.loadOlder = loadOlder;
    this.onBottom = onBottom;
    this.rows = new Map();
    this.stuck = true;
    this.top = 0;
    this.below = 0;
    this.complete = false;
    this.list = el("ol", { class: "rows" });
    this.scroller = el(
      "div",
      { class: "scroller", tabindex: "0", role: "log", "aria-label": "Messages", onscroll: () => this.scrolled() },
      this.list,
    );
    const down = () => this.toBottom(REDUCED.matches ? "instant" : "smooth");
    this.downButton = iconButton("down", "Go to the newest message", down, { hidden: true });
    this.downButton.classList.add("to-bottom");
    this.downCount = el("span", { class: "badge", hidden: true });
    this.downButton.append(this.downCount);
    this.el = el("div", { class: "timeline" }, this.scroller, this.downButton);
    this.sizes = new ResizeObserver(() => this.keepBottom());
    this.sizes.observe(this.list);
    this.sizes.observe(this.scroller);
  }

  close() {
    this.sizes.disconnect();
  }

  /** Replace or complete what is shown by the newest page; `more` tells whether older messages exist. */
  show(messages, more) {
    const first = messages[0]?.message_id ?? 0;
    const newest = this.lastId();
    // Without an overlap there may be messages between the two, so the old ones go.
    const gap = newest !== null && newest < first && more;
    const kept = new Set(messages.map((message) => message.message_id));
    for (const id of [...this.rows.keys()]) {
      if (gap || ((id >= first || !more) && !kept.has(id))) this.remove(id);
    }
    if (this.rows.size === 0) this.complete = !more;
    for (const message of messages) this.put(message);
  }

  put(message) {
    const known = this.rows.get(message.message_id);
    if (known) {
      known.update(message);
      this.joinAround(known);
      return;
    }
    const row = new MessageRow(message, this.person, this.actions);
    let after = this.list.lastElementChild;
    while (after && Number(after.dataset.mid) > row.id) after = after.previousElementSibling;
    if (after) after.after(row.el);
    else this.list.prepend(row.el);
    this.rows.set(row.id, row);
    this.joinAround(row);
  }

  /** Count a message that came in live: below the reader's view it shows on the arrow down. */
  arrived(message) {
    const known = this.rows.has(message.message_id);
    this.put(message);
    if (known) return;
    if (this.stuck && this.rows.size > MOST_ROWS) this.forgetOldest();
    if (message.from?.id === this.person) this.toBottom();
    else if (!this.stuck) this.showBelow(this.below + 1);
  }

  /** Drop the upper half of a long list while nobody looks at it; scrolling up loads it again. */
  forgetOldest() {
    for (const element of [...this.list.children].slice(0, MOST_ROWS / 2)) this.remove(Number(element.dataset.mid));
    this.complete = false;
    this.keepBottom();
  }

  remove(id) {
    const row = this.rows.get(id);
    if (!row) return;
    const next = this.rowOf(row.el.nextElementSibling);
    row.el.remove();
    this.rows.delete(id);
    if (next) next.follow(this.rowOf(next.el.previousElementSibling));
  }

  rowOf(element) {
    return element ? this.rows.get(Number(element.dataset.mid)) : null;
  }

  joinAround(row) {
    row.follow(this.rowOf(row.el.previousElementSibling));
    this.rowOf(row.el.nextElementSibling)?.follow(row);
  }

  lastId() {
    const last = this.list.lastElementChild;
    return last ? Number(last.dataset.mid) : null;
  }

  refreshBusy() {
    for (const row of this.rows.values()) row.refreshBusy();
  }

  /** Start reading at the first unread message, or at the newest where everything is read. */
  openAt(firstUnread) {
    const row = firstUnread === null ? null : this.rows.get(firstUnread);
    this.toBottom();
    if (!row) return;
    row.el.classList.add("first-unread");
    const over = row.el.offsetTop - 8;
    if (over >= this.scroller.scrollTop) return;
    this.stuck = false;
    this.scroller.scrollTop = over;
  }

  toBottom(behavior = "instant") {
    this.stuck = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
    this.reachedBottom();
  }

  keepBottom() {
    if (!this.stuck) return;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.top = this.scroller.scrollTop;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    if (clientHeight === 0) return;
    // Messages can arrive between a scroll and its event, so only a move upwards leaves the bottom.
    const near = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
    this.stuck = near || (this.stuck && scrollTop >= this.top);
    this.top = scrollTop;
    if (this.stuck) this.reachedBottom();
    else this.downButton.hidden = false;
    if (scrollTop < NEAR_TOP) void this.older();
  }

  reachedBottom() {
    this.downButton.hidden = true;
    this.showBelow(0);
    this.onBottom();
  }

  showBelow(count) {
    this.below = count;
    this.downCount.hidden = count === 0;
    this.downCount.textContent = String(count);
  }

  /** Put the page before the oldest message on top, leaving the reader where they are. */
  async older() {
    if (this.complete || this.fetching || this.rows.size === 0) return;
    this.fetching = true;
    try {
      const { messages, more } = await this.loadOlder(Number(this.list.firstElementChild.dataset.mid));
      const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
      for (const message of messages.toReversed()) this.put(message);
      this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
      this.complete = !more;
    } finally {
      this.fetching = false;
    }
  }

  async jump(id) {
    for (let page = 0; page < JUMP_PAGES && !this.rows.has(id) && !this.complete; page += 1) await this.older();
    const row = this.rows.get(id);
    if (!row) return this.actions.toast("That message is no longer here.");
    this.stuck = false;
    row.el.scrollIntoView({ block: "center", behavior: "instant" });
    row.el.classList.remove("flash");
    void row.el.offsetWidth;
    row.el.classList.add("flash");
    return row;
  }
}
