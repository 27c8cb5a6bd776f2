/** Build an element. Strings among the children become text nodes, never markup. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const PATHS = {
  back: "M15 5l-7 7 7 7",
  down: "M6 9l6 6 6-6",
  send: "M4 12l16-8-5 16-3.5-6.5z",
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  reply: "M10 7l-5 5 5 5M5 12h9a5 5 0 0 1 5 5v1",
  keys: "M4 7h16v10H4zM8 11v.01M12 11v.01M16 11v.01M9 14h6",
  commands: "M14 5l-4 14",
  theme: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  panel: "M4 5h16v14H4zM14 5v14",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  link: "M8 16l8-8M10 8h6v6",
  copy: "M9 9h10v10H9zM5 15V5h10",
  app: "M5 5h14v14H5zM5 9.5h14",
  mute: "M4 10v4h3l4 4V6L7 10zM15 10l5 5M20 10l-5 5",
};

/** Draw one of the line icons; it is decoration, so the control around it carries the label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Build a button that shows only an icon; the label is what a screen reader and the tooltip say. */
export function iconButton(name, label, onclick, props = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** Draw the round coloured initial that stands for a person or a chat. */
export function avatar(id, name) {
  const initial = [...(name || "?").trim()][0] ?? "?";
  return el("span", { class: `avatar tint-${tint(id)}`, "aria-hidden": "true", text: initial.toUpperCase() });
}

/** Draw what stands for a conversation: the bot's or the group's initial, a mark for a topic. */
export function face({ kind, chatId, title }, botId) {
  if (kind === "topic") return el("span", { class: "topic-mark", "aria-hidden": "true", text: "#" });
  return avatar(kind === "bot" ? botId : chatId, title);
}

/** Pick one of seven tints for an id, the same one every time. */
export function tint(id) {
  return Math.abs(Number(id) || 0) % 7;
}

/** Show a number as an unread badge; nothing at zero. */
export function badge(count) {
  if (!count) return null;
  return el("span", { class: "badge", "aria-label": `${count} unread`, text: count > 999 ? "999+" : String(count) });
}
