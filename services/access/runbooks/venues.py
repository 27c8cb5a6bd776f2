"""Alerts about a venue, and about what its books and ours say."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

VENUES: Mapping[AlertCode, Runbook] = {
    AlertCode.OUTCOME_UNKNOWN: Runbook(
        severity=Severity.URGENT,
        happened="An order was sent and no answer came: nobody knows yet whether the venue took it.",
        done="the venue is being asked; nothing is re-sent, the instrument takes no new trade",
        exposed="At worst the order's full size, bought or sold. The alert names it; until it is clear it counts at its worst.",
        next="/resolve",
        press="Wait a minute first: the desk asks every ten seconds. Open the entry to see what the venue says of it.",
        steps=(
            "When /doctor says that the venue is out of reach: nothing to press, it is asked again when it is back.",
            "Look for the order in the exchange's own app. When you are sure, close the entry in /resolve with your reason.",
            "Never place the order again by hand before this is closed.",
        ),
        closes="By itself, when the venue says what became of the order; or by a commander in /resolve.",
    ),
    AlertCode.POSITION_MISMATCH: Runbook(
        severity=Severity.URGENT,
        happened="Twice in a row the account at the venue held another quantity than the desk's trades explain.",
        done="the instrument takes no new trade until it is decided or gone",
        exposed="The difference between both numbers; the alert names them and what it is worth.",
        next="/resolve",
        press="Open the entry. Adopt takes the venue's word, Close sells what is too much, Ignore keeps it as somebody else's.",
        steps=(
            "Did somebody trade or move coins at the exchange by hand? Then Adopt is right.",
            "Nobody did: compare with the exchange's trade history before you decide; the comparison runs every half minute.",
            "On paper: desk and paper book may be of two backups. sortie verify says so.",
        ),
        closes="By itself, when both sides agree again; or by the answer in /resolve.",
    ),
    AlertCode.FOREIGN_ORDER: Runbook(
        severity=Severity.ROUTINE,
        happened="An order or a fill at the venue is none of the desk's: somebody or some program uses the account.",
        done="it is marked foreign and left alone; the instrument takes no new trade",
        exposed="What that order buys or sells; the alert names it. The desk neither protects nor closes it.",
        next="/resolve",
        press="Open the entry. Adopt books it, Close takes the order back or sells what it bought, Ignore leaves it.",
        steps=(
            "Nobody on the desk knows it: change the keys of the account at the exchange at once, and /halt.",
            "Another program trades there: give the desk an account of its own.",
        ),
        closes="By the answer in /resolve, or by itself when the order is gone.",
    ),
    AlertCode.ORDER_LOST: Runbook(
        severity=Severity.URGENT,
        happened="The venue does not know an order any more that it had taken.",
        done="nothing is sent again; the instrument takes no new trade until it is decided",
        exposed="A stop that is gone leaves its position bare; a lost entry leaves nothing. The alert names the order.",
        next="/resolve",
        press="Open the entry and see which order it is. A stop: look at /positions that another one stands.",
        steps=(
            "Look for the order in the history of the exchange's own app; when it is not there, Adopt.",
            "Several are lost at once: the keys may point to another account. /halt, then /doctor.",
        ),
        closes="By itself, when the venue knows the order again; or by the answer in /resolve.",
    ),
    AlertCode.VENUE_UNREACHABLE: Runbook(
        severity=Severity.URGENT,
        happened="A venue does not answer, so orders, fills and positions there cannot be seen.",
        done="entries are refused; protection rests at the venue",
        exposed="Every open trade at that terminal: its stop stands at the venue, but nothing can be changed from here.",
        next="/doctor",
        press="The line of the venue says what fails: the network here, the exchange itself, or the keys.",
        steps=(
            "The exchange is down for everybody (its status page says so): wait. The desk compares both books when it is back.",
            "Only we are cut off: log in at the exchange's own app to look after positions there.",
            "Keys refused: they expired, or this machine's address changed. Renew them, then start the desk again.",
        ),
        closes="By itself, with the first comparison of both books that succeeds.",
    ),
    AlertCode.KEY_MAY_WITHDRAW: Runbook(
        severity=Severity.URGENT,
        happened="The exchange says that the desk's key may withdraw. The desk never does; whoever steals the key could.",
        done="the terminal takes no entries; exits and protection go on",
        exposed="All that the account holds, should the key get into other hands.",
        next="/doctor",
        press="The line of the account's rights says which key it is, and whether it still may.",
        steps=(
            "At the exchange, take the right to withdraw from the key, and bind the key to this machine's address.",
            "If others may have seen the key, delete it there, make a new one without that right, and start the desk again.",
        ),
        closes="By itself, with the next comparison, half a minute after the right is gone.",
    ),
}
