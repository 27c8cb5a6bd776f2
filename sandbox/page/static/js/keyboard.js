import { el, icon } from "./dom.js";

const ICONS = { url: "link", login_url: "link", web_app: "app", copy: "copy", copy_text: "copy" };
const STYLES = new Set(["danger", "success", "primary"]);
const PRESSABLE = new Set(["callback", "url", "web_app", "copy", "copy_text"]);

/** Build the inline keyboard under a message; `press(button)` is told which one was tapped. */
export function inlineKeyboard(rows, { press, isBusy }) {
  const keyboard = el("div", { class: "inline-keyboard" });
  for (const row of rows) {
    keyboard.append(el("div", { class: "key-row" }, ...row.map((button) => inlineKey(button, press))));
  }
  showBusy(keyboard, isBusy);
  return keyboard;
}

function inlineKey(button, press) {
  const style = STYLES.has(button.style) ? ` ${button.style}` : "";
  const works = PRESSABLE.has(button.kind);
  const mark = ICONS[button.kind];
  return el(
    "button",
    {
      type: "button", class: `key${style}`, disabled: !works,
      title: button.kind === "url" ? button.url : null,
      dataset: button.kind === "callback" ? { data: button.data } : {},
      onclick: () => press(button),
    },
    el("span", { class: "key-text", text: button.text }),
    mark ? icon(mark) : null,
  );
}

/** Put the spinner on the buttons whose press waits for an answer, and take it off the others. */
export function showBusy(keyboard, isBusy) {
  for (const key of keyboard.querySelectorAll(".key[data-data]")) {
    const busy = isBusy(key.dataset.data);
    key.classList.toggle("busy", busy);
    if (busy) key.setAttribute("aria-busy", "true");
    else key.removeAttribute("aria-busy");
  }
}

/** Build the keyboard that replaces the phone's own; each button says its text. */
export function replyKeyboard(rows, say) {
  const keyboard = el("div", { class: "reply-keyboard", role: "group", "aria-label": "Suggested answers" });
  for (const row of rows) {
    const keys = row.map((button) => {
      const style = STYLES.has(button.style) ? ` ${button.style}` : "";
      return el(
        "button",
        { type: "button", class: `key${style}`, onclick: () => say(button.text) },
        el("span", { class: "key-text", text: button.text }),
      );
    });
    keyboard.append(el("div", { class: "key-row" }, ...keys));
  }
  return keyboard;
}
