"""The alert of a sender outside."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

SOURCES: Mapping[AlertCode, Runbook] = {
    AlertCode.SOURCE_MUTED: Runbook(
        severity=Severity.ROUTINE,
        happened="The calls of a sender outside came to less than the floor, even at the upper end of what they may be worth.",
        done="its alerts are recorded and followed, and none is offered until a commander hears it again",
        exposed="Nothing new. Trades that its earlier calls led to stand with their stops; /positions has them.",
        next="/sources",
        press="Open the source and read its record: how many calls, how many hit, the mean R with its interval.",
        steps=(
            "The record is a fair sample: leave it muted, and tell whoever sends.",
            "The sender was changed since: press Hear again; its record then starts anew, and the old one does not mute it.",
            "It is of no use any more: on the desk's machine, sortie source remove NAME.",
            "The floor is too high for how you use it: set intake.floor_r lower and start the desk again.",
        ),
        closes="When a commander hears the source again, mutes it themselves, or it is removed.",
    ),
}
