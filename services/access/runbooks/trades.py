"""Alerts about a trade and what protects it."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

TRADES: Mapping[AlertCode, Runbook] = {
    AlertCode.STOP_NOT_PLACED: Runbook(
        severity=Severity.URGENT,
        happened="An open trade has no stop at the venue, and the venue refused one.",
        done="the position is being closed at market",
        exposed="The whole position, at any price, until it is closed; the alert and /positions say how much money that is.",
        next="/positions",
        press="Find the trade. While it is still open, press Close.",
        steps=(
            "The close is refused too (CLOSE_REJECTED): sell by hand in the exchange's own app; the desk books what it did.",
            "The exchange does not answer: /doctor says so. The desk tries again by itself; do not send the order twice.",
            "The desk waits for you when protection.on_failure is alert: close the trade, or move its stop from its card.",
        ),
        closes="By itself, when the trade is closed.",
    ),
    AlertCode.CLOSE_REJECTED: Runbook(
        severity=Severity.URGENT,
        happened="A position was to be sold, and the venue refused it or never got it, again and again.",
        done="the position is protected again, and sold when it is asked for anew",
        exposed="The position that was to be gone; its stop, if there is one, stands in /orders. /positions has the money.",
        next="/positions",
        press="Find the trade and press Close once more; the first line of this alert names the venue's reason.",
        steps=(
            "Refused again: sell by hand in the exchange's own app. The desk books what was sold there within a minute.",
            "The reason is a minimum (MIN_NOTIONAL, LOT_SIZE): what is left is too little to sell and can stay.",
            "Other trades are refused as well: /halt, then /doctor.",
        ),
        closes="By itself, when the trade is closed.",
    ),
    AlertCode.CANCEL_REJECTED: Runbook(
        severity=Severity.URGENT,
        happened="Stop or target orders have to go before something is sold or changed, and the venue does not take them away.",
        done="the venue is asked again to take the exits away",
        exposed="The position keeps its old stop and targets, so it is protected; it cannot be closed from here until they go.",
        next="/orders",
        press="See which orders of this trade still work.",
        steps=(
            "Cancel those orders by hand in the exchange's own app; the desk sees it within seconds and goes on.",
            "The exchange does not answer: /doctor. Wait; the old stop stands there without us.",
        ),
        closes="By itself, when the trade is closed.",
    ),
    AlertCode.KILL_INCOMPLETE: Runbook(
        severity=Severity.URGENT,
        happened="The desk was halted, and something could not be taken away in time; the halt card names each, and why.",
        done="nothing new is sent; what may still come right is tried again every few seconds, also when its venue is back",
        exposed="An entry on the list may still fill, and would get its stop. A position on it is not sold; its stop stays.",
        next="/orders",
        press="See which of your orders still work, and compare with the list on the halt card (/status leads to it).",
        steps=(
            "The venue does not answer: look into its own app. Cancel or sell there by hand; the desk books it by itself.",
            "The venue refuses: the card has its code. Cancel or sell by hand in the exchange's own app.",
            "The outcome is not known: /resolve shows the write and its evidence, and takes a commander's word.",
            "The desk itself is stuck: on its machine, sortie halt --cancel, or --flatten, does the same without it.",
        ),
        closes="By itself, when nothing of it is left, or with the halt.",
    ),
    AlertCode.POSITION_BARE: Runbook(
        severity=Severity.URGENT,
        happened="A position stands without a stop at the venue for too long: its exits were taken away to be changed and none "
        "is back.",
        done="a stop is placed as soon as the venue takes it",
        exposed="The whole position, without a stop; the alert and /positions say how much money that is.",
        next="/positions",
        press="When the trade's card says that the stop is at the venue, all is well again. If not, press Close.",
        steps=(
            "Close is refused or hangs: sell by hand in the exchange's own app.",
            "An order of the trade is unknown: /resolve shows it. Do not place a second stop meanwhile.",
        ),
        closes="By itself, when a stop works again or the trade is closed.",
    ),
    AlertCode.STOP_LATE: Runbook(
        severity=Severity.URGENT,
        happened="The market is beyond a trade's stop, and the stop order at the venue does not execute.",
        done="what protection.on_failure says: close at market, or wait for you",
        exposed="The position, with a loss that grows past the planned one; the alert and /positions say how much.",
        next="/positions",
        press="Press Close on the trade unless it is closing already.",
        steps=(
            "Close is refused or hangs: sell by hand in the exchange's own app.",
            "The price there is not beyond the stop: the desk's prices are odd. /halt, then /doctor.",
        ),
        closes="By itself, when the trade is closed.",
    ),
    AlertCode.STOP_WATCHED: Runbook(
        severity=Severity.ROUTINE,
        happened="The venue takes no stop orders for this trade, so the desk itself watches the price and sells at the stop.",
        done="the stop lives in the desk only: it works while the desk runs",
        exposed="The planned loss of the trade while the desk runs and hears prices; the whole position while it does not.",
        next="/positions",
        press="Nothing to press when you knew this of the venue. Close the trade if it must not depend on the desk.",
        steps=("Before the desk is stopped for long: close the trade, or place a stop by hand at the exchange.",),
        closes="By itself, when the trade is closed.",
    ),
    AlertCode.WATCH_STALE: Runbook(
        severity=Severity.URGENT,
        happened="The desk watches a stop or target itself and hears no fresh price, so it cannot act on it.",
        done="nothing is sold on an old price; what rests at the venue still works",
        exposed="The position whose stop is watched here is without one until prices are back.",
        next="/status",
        press="The line of the feed says since when. If it is late, prices are missing for everybody.",
        steps=(
            "Look at the price in the exchange's own app. Beyond the stop: /positions and Close, or sell there by hand.",
            "Only this instrument has no price: it may be suspended at the exchange; its notices say so.",
            "The feed stays late: stop the desk and start it again; stops at the venue stand meanwhile.",
        ),
        closes="By itself, when fresh prices come or the trade is closed.",
    ),
    AlertCode.LATE_FILL: Runbook(
        severity=Severity.URGENT,
        happened="A fill came for a trade that was over: an order counted as gone did execute.",
        done="the trade is open again and its stop is being placed",
        exposed="A position that nobody planned to have any more; /positions says how much.",
        next="/positions",
        press="Decide: keep the trade with its stop, or press Close.",
        steps=(
            "No stop appears within a minute: STOP_NOT_PLACED or POSITION_BARE follows; do what that page says.",
            "It happens again: /halt. The exchange's answers cannot be trusted just now.",
        ),
        closes="By itself, when the trade is closed again.",
    ),
}
