import { el } from "./dom.js";

let current = null;

/** Close the menu that is open, if any; the focus returns to what opened it. */
export function closeMenu() {
  current?.close();
}

/**
 * Open a menu inside a pane, beneath an anchor or at a pointer position. Items are `{label, act, node, checked}`;
 * arrows move, Enter chooses, Escape and a press elsewhere close.
 */
export function openMenu(pane, { anchor, at, label, items, footer }) {
  const again = current?.anchor === anchor && anchor;
  closeMenu();
  if (again) return;
  const returnTo = anchor ?? document.activeElement;
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label });
  for (const item of items) menu.append(menuItem(item));
  if (footer) menu.append(footer);
  pane.append(menu);
  place(pane, menu, at ?? below(anchor));
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor?.contains(event.target)) closeMenu();
  };
  document.addEventListener("pointerdown", outside);
  menu.addEventListener("keydown", (event) => onKey(event, menu));
  current = {
    anchor,
    close() {
      current = null;
      document.removeEventListener("pointerdown", outside);
      menu.remove();
      anchor?.setAttribute("aria-expanded", "false");
      returnTo?.focus({ preventScroll: true });
    },
  };
  anchor?.setAttribute("aria-expanded", "true");
  menu.querySelector("[role^=menuitem]")?.focus({ preventScroll: true });
}

function menuItem({ label, act, node, checked, href }) {
  const props = {
    class: "menu-item", role: checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": checked,
    onclick: () => {
      closeMenu();
      act?.();
    },
  };
  if (href) return el("a", { ...props, href, target: "_blank", rel: "noopener" }, label);
  return el("button", { ...props, type: "button" }, node ?? label);
}

const below = (anchor) => {
  const box = anchor.getBoundingClientRect();
  return { x: box.left, y: box.bottom + 4 };
};

function place(pane, menu, { x, y }) {
  const frame = pane.getBoundingClientRect();
  const left = Math.min(x - frame.left, frame.width - menu.offsetWidth - 8);
  const top = Math.min(y - frame.top, frame.height - menu.offsetHeight - 8);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}

function onKey(event, menu) {
  if (event.key === "Escape") {
    event.stopPropagation();
    closeMenu();
    return;
  }
  const items = [...menu.querySelectorAll("[role^=menuitem]")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}
