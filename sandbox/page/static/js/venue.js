import { el } from "./dom.js";
import { clockWithSeconds, decimal } from "./format.js";

/** Show what the venue itself holds, terminal by terminal: positions and orders. */
export function venueTables(terminals) {
  if (!terminals.length) return [el("p", { class: "quiet-line", text: "No terminal yet." })];
  return terminals.flatMap(terminalTables);
}

function terminalTables({ name, equity, currency, positions, orders }) {
  const head = el(
    "p",
    { class: "terminal-name" },
    el("strong", { text: name }),
    el("span", { text: `${decimal(equity)} ${currency}` }),
  );
  const parts = [head];
  if (positions.length) {
    parts.push(table("Positions", ["Position", "Quantity", "Entry"], positions.map((one) => [
      one.instrument, number(one.quantity), number(one.entry),
    ])));
  }
  if (orders.length) parts.push(table("Orders", ["Time", "Order", "Filled", "Price", "Status"], orders.map(orderCells)));
  if (parts.length === 1) parts.push(el("p", { class: "quiet-line", text: "No position, no order." }));
  return parts;
}

function orderCells(order) {
  const price = order.price ?? order.stop_price;
  return [
    shownTime(order.time),
    el(
      "span",
      { title: `${order.id} · ${order.client_id}` },
      el("span", { class: `side ${order.side.toLowerCase()}`, text: order.side }),
      ` ${order.instrument} `,
      el("small", { text: order.type }),
    ),
    number(filledOf(order)),
    number(price),
    el("span", { class: "order-status", dataset: { status: order.status }, text: order.status }),
  ];
}

/** Write what was filled beside what was asked; a filled order needs one number only. */
function filledOf({ filled, quantity }) {
  return Number(filled) === Number(quantity) ? quantity : `${decimal(filled)} / ${decimal(quantity)}`;
}

function shownTime(time) {
  const seconds = typeof time === "number" ? time : Date.parse(time) / 1000;
  return Number.isFinite(seconds) ? clockWithSeconds(seconds) : "–";
}

const number = (value) => el("span", { class: "number", text: /\//.test(String(value)) ? value : decimal(value) });

function table(label, heads, rows) {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })));
  const body = rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))));
  return el("div", { class: "table-frame" }, el("table", { "aria-label": label }, el("thead", {}, head), el("tbody", {}, ...body)));
}
