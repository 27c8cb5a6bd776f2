"""Alerts about what the desk runs on: its own program, Telegram, the clock, and who else runs."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

MACHINE: Mapping[AlertCode, Runbook] = {
    AlertCode.STAGE_CRASHED: Runbook(
        severity=Severity.ROUTINE,
        happened="A part of the desk ended with an error that it should not have; the alert names the part and the error's id.",
        done="the part was started again",
        exposed="Stops and targets rest at the venues and work without us; what this part does came a moment late.",
        next="/status",
        press="See that the part is ok again; then this can wait for the morning.",
        steps=(
            "On the machine, sortie errors and the id of the alert shows the log lines around the error.",
            "It happens again and again: an urgent alert of its own says so, STAGE_KEEPS_CRASHING.",
            "Report it as a defect, with those lines.",
        ),
        closes="By itself, when the part has worked for a minute.",
    ),
    AlertCode.STAGE_KEEPS_CRASHING: Runbook(
        severity=Severity.URGENT,
        happened="A part of the desk crashes again and again: three times or more within five minutes.",
        done="it is started again each time, with growing pauses",
        exposed="What that part does is not done meanwhile: fills may be booked late, stops at the venues still work.",
        next="/status",
        press="See which part it is. Of executor, fills, reconcile, resolve or entries: send /halt now.",
        steps=(
            "On the machine, sortie errors and the id of the alert shows what fails: a full disk, a changed answer, a defect.",
            "Stop the desk and start it again; every start is a recovery.",
            "It crashes again after that: leave it halted, and look after open positions in the exchange's own app.",
        ),
        closes="By itself, when the part has worked for a minute.",
    ),
    AlertCode.TELEGRAM_SILENT: Runbook(
        severity=Severity.URGENT,
        happened="Telegram does not answer the desk: no message goes out and no command comes in.",
        done="the desk trades on by its rules; messages wait, and urgent ones leave by the second channel",
        exposed="Nothing more than before, but nobody can press a button: open positions keep their stops at the venues.",
        next="/status",
        press="When the chat answers that, it is over. If it does not, use a shell on the machine instead.",
        steps=(
            "On the machine, sortie status shows the desk, and sortie doctor says whether the network or Telegram is at fault.",
            "To stop entries without Telegram: sortie halt, on the machine.",
            "Only this machine is cut off: mend its network; nothing needs a restart.",
        ),
        closes="By itself, when Telegram answers again.",
    ),
    AlertCode.LEASE_LOST: Runbook(
        severity=Severity.URGENT,
        happened="Another process has taken over a part of this desk's work; the alert names which.",
        done="this process claims no more of that work",
        exposed="Nothing is sent twice, for each claim names its owner; but two desks that share a database confuse people.",
        next="/status",
        press="See that executor and sender are ok: then the other process does the work.",
        steps=(
            "On each machine, sortie status names the owner. Stop the process that should not run.",
            "Neither works: stop both, and start one.",
        ),
        closes="By itself, with the next start of the desk.",
    ),
    AlertCode.CLOCK_SKEW: Runbook(
        severity=Severity.ROUTINE,
        happened="This machine's clock and the exchange's differ by more than a second.",
        done="it is compared again every minute; venues may refuse what carries a wrong time",
        exposed="No money by itself. Orders may be refused, deadlines come early or late, and candles may seem old.",
        next="/doctor",
        press="The lines of the clock and the venue say by how much, and against whom.",
        steps=(
            "On the machine, switch time synchronisation on: timedatectl set-ntp true.",
            "Telegram's clock agrees with ours: the exchange is off; its orders will say so. Wait.",
            "Orders are refused for their time: /halt until the clocks agree.",
        ),
        closes="By itself, when both clocks agree.",
    ),
}
