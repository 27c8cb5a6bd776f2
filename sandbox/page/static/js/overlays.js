import { el, iconButton } from "./dom.js";

const TOAST_TIME = 4_000;

/** Show a short notice at the top of a pane; it leaves by itself. */
export function toast(pane, text) {
  const node = el("div", { class: "toast", role: "status", text });
  pane.querySelector(".toasts").append(node);
  setTimeout(() => node.remove(), TOAST_TIME + text.length * 30);
}

/** Show a notice that has to be put away with OK, Enter or Escape. */
export function alertBox(pane, text) {
  const returnTo = document.activeElement;
  const close = () => {
    box.remove();
    returnTo?.focus?.({ preventScroll: true });
  };
  const ok = el("button", { type: "button", class: "plain-button", text: "OK", onclick: close });
  const box = el(
    "div",
    { class: "alert-shade", onclick: (event) => event.target === box && close() },
    el("div", { class: "alert-box", role: "alertdialog", "aria-modal": "true", "aria-label": text }, el("p", { text }), ok),
  );
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Tab") event.preventDefault();
  });
  pane.append(box);
  ok.focus();
}

/** Show a picture as large as the window allows. */
export function enlarge(photo, alt) {
  const image = el("img", { src: photo.url, alt });
  const dialog = el(
    "dialog",
    { class: "lightbox", "aria-label": alt },
    image,
    iconButton("close", "Close the picture", () => dialog.close()),
  );
  dialog.addEventListener("click", (event) => (event.target === dialog || event.target === image) && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
