import { el } from "./dom.js";

const STATES = { OK: "ok", FAIL: "fail", "NO DATA": "none" };

/** Show each invariant as a row with its state in words; a detail is shown where it is not fine. */
export function verifyRows(checks) {
  return checks.map(({ number, name, status, detail }) => el(
    "li",
    { class: `check ${STATES[status] ?? "none"}`, title: detail ?? "" },
    el("span", { class: "check-number", text: String(number) }),
    el("span", { class: "check-name", text: name }),
    el("span", { class: "check-state", text: status }),
    status === "FAIL" && detail ? el("p", { class: "check-detail", text: detail }) : null,
  ));
}
