import { el } from "./dom.js";
import { entityTime, fullTime } from "./format.js";

const PLAIN = new Set(["B", "I", "U", "S", "CODE", "PRE", "BLOCKQUOTE"]);
const BLOCKS = new Set(["PRE", "BLOCKQUOTE"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "SVG", "MATH"]);
const SCHEMES = new Set(["http:", "https:", "mailto:", "tg:"]);

/** Turn markup from the server into nodes, keeping only the elements a Telegram message can have. */
export function safeNodes(html, onLink) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  copyChildren(parsed.body, fragment, onLink);
  return fragment;
}

function copyChildren(from, into, onLink) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(besideBlocks(node));
    else if (node.nodeType === Node.ELEMENT_NODE && !DROPPED.has(node.tagName.toUpperCase())) {
      if (node.tagName === "BR") into.append("\n");
      else copyElement(node, into, onLink);
    }
  }
}

/** Take a text without the line break that touches a block: the block begins and ends its own line. */
function besideBlocks(node) {
  let text = node.data;
  if (BLOCKS.has(node.previousSibling?.nodeName) && text.startsWith("\n")) text = text.slice(1);
  if (BLOCKS.has(node.nextSibling?.nodeName) && text.endsWith("\n")) text = text.slice(0, -1);
  return text;
}

function copyElement(node, into, onLink) {
  const made = makeElement(node, onLink);
  copyChildren(node, made ?? into, onLink);
  if (!made) return;
  if (made.tagName === "TIME") fillTime(made);
  into.append(made);
}

function makeElement(node, onLink) {
  if (PLAIN.has(node.tagName)) return el(node.tagName.toLowerCase());
  if (node.tagName === "A") return link(node.getAttribute("href"), onLink);
  if (node.tagName === "TG-SPOILER") return spoiler();
  if (node.tagName === "TIME") return time(node);
  return null;
}

/** Parse an address that may be followed, or null for a scheme no message may use. */
export function followable(address) {
  try {
    const url = new URL(address);
    return SCHEMES.has(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function link(address, onLink) {
  const url = followable(address ?? "");
  if (!url) return null;
  return el("a", {
    href: url.href, target: "_blank", rel: "noopener noreferrer",
    onclick: (event) => {
      event.preventDefault();
      onLink(url);
    },
  });
}

function spoiler() {
  const reveal = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    node.classList.add("revealed");
    node.removeAttribute("role");
    node.removeAttribute("tabindex");
    node.removeAttribute("aria-label");
  };
  const node = el("tg-spoiler", {
    role: "button", tabindex: "0", "aria-label": "Hidden text, press to show", onclick: reveal, onkeydown: reveal,
  });
  return node;
}

function time(node) {
  const stamp = node.getAttribute("datetime") ?? "";
  const seconds = /^\d+$/.test(stamp) ? Number(stamp) : Date.parse(stamp) / 1000;
  if (!Number.isFinite(seconds)) return null;
  return el("time", {
    datetime: new Date(seconds * 1000).toISOString(), title: fullTime(seconds),
    dataset: { seconds: String(seconds), format: node.dataset.format ?? "" },
  });
}

function fillTime(node) {
  const shown = entityTime(Number(node.dataset.seconds), node.dataset.format);
  if (shown !== null) node.textContent = shown;
}

/** Refresh the relative times on the page ("in 3 minutes"), which go stale by themselves. */
export function refreshRelativeTimes(root) {
  for (const node of root.querySelectorAll('time[data-format="r"]')) fillTime(node);
}
