"""Alerts about the desk itself: its stages, its machine and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

PROCESS: Mapping[AlertCode, Runbook] = {
    AlertCode.STAGE_SILENT: Runbook(
        severity=Severity.URGENT,
        happened="A part of the desk showed no sign of life for twice its usual time; the alert names it.",
        done="the stage is restarted; entries that need it are refused",
        exposed="Stops and targets rest at the venues and work without us; what the desk itself watches waits.",
        next="/status",
        press="See whether the stage is ok again. The counter of this alert grows with each restart that did not help.",
        steps=(
            "feed: the exchange gives no prices. /doctor says whether it or the network is at fault.",
            "executor, fills, reconcile, resolve: orders are slow or stuck. /halt, and look at /orders.",
            "sender, intake: Telegram does not answer. Nothing is lost, messages wait.",
            "database: the disk is full, or somebody holds the file. On the machine: sortie doctor says which.",
            "It does not come back: stop the desk and start it again; every start is a recovery.",
        ),
        closes="By itself, when the stage shows life again.",
    ),
    AlertCode.DATABASE_UNWRITABLE: Runbook(
        severity=Severity.URGENT,
        happened="The desk's database takes no writes: the disk is full, read-only or broken, or another program holds it.",
        done="entries, taps and commands wait or are refused; it is tried again every two seconds",
        exposed="Stops and targets that rest at venues work. Until then fills are not booked and no new stop is placed.",
        next="/doctor",
        press="It is answered once the desk can store again; on the machine sortie doctor says at once what is wrong.",
        steps=(
            "No room: remove what fills the disk of desk.state_dir. The desk goes on by itself, nothing needs a restart.",
            "Another program holds the file: stop it; a backup or an inspection by hand may have been left open.",
            "The disk is read-only or reports errors: stop the desk, move desk.state_dir to a good disk, start it again.",
            "It lasts, and something must be closed now: close it at the venue itself; the desk books it when it is back.",
        ),
        closes="By itself, with the first write that succeeds; a message says how long it took.",
    ),
    AlertCode.BACKUP_FAILED: Runbook(
        severity=Severity.ROUTINE,
        happened="The daily backup could not be made; the alert says why.",
        done="earlier backups stand; it is tried again every minute",
        exposed="No money now. If this machine's disk died, what happened since the last backup would be lost.",
        next="/doctor",
        press="The line of the disk says whether there is room and whether the folder can be written.",
        steps=(
            "Make room on the disk, or correct backup.dir; then sortie backup, on the machine, makes one at once.",
            "On the machine, sortie backup --list shows which backups there are.",
        ),
        closes="By itself, with the next backup that succeeds.",
    ),
    AlertCode.BACKUP_STALE: Runbook(
        severity=Severity.URGENT,
        happened="The rolling copy of the desk's state lags by three periods or more; the alert says by how much, and why.",
        done="trading goes on; the last copies that are whole are kept, and the next is tried every period",
        exposed="No money now. If this machine's disk died, the desk would forget what the alert counts; venues would not.",
        next="/doctor",
        press="The line of the disk says whether there is room; the reason in the alert names the folder.",
        steps=(
            "No room: free some on the disk of backup.dir, or put backup.dir on another one and start the desk again.",
            "The disk hangs or answers with errors: /halt, and move the state to a good one while the desk is stopped.",
            "The copy takes longer than its period: the database has grown large. Lengthen backup.rolling_s.",
            "On the machine, sortie backup makes a whole backup at once, and sortie backup --list shows what there is.",
        ),
        closes="By itself, with the next copy that is made.",
    ),
    AlertCode.LOOP_LAG: Runbook(
        severity=Severity.ROUTINE,
        happened="The desk answers late: for a minute, one moment in a hundred waited longer than a quarter of a second.",
        done="everything is still done in its order, only later; entries past their deadline are not sent",
        exposed="Stops and targets rest at the venues and work without us; what the desk itself watches is looked at late.",
        next="/status",
        press="See which stage is slowest, and how long a commit takes; /slo shows how long taps and answers take.",
        steps=(
            "The machine is busy with something else: look with top, and stop what is not the desk.",
            "The disk is slow: commits take more than 100 ms. Move the state folder to a local disk.",
            "The machine is too small for so many instruments or strategies: take some away, or give it a second core.",
            "It stays late: /halt until it is in time again; exits go on.",
        ),
        closes="By itself, when the last minute was in time.",
    ),
    AlertCode.HEARTBEAT_FAILED: Runbook(
        severity=Severity.ROUTINE,
        happened="The desk is well, but three of its pings in a row did not reach the outside watch.",
        done="it pings on, and everything else goes on as usual",
        exposed="No money now. While it lasts, nobody outside would notice if this machine died; the watch may raise an alarm.",
        next="/doctor",
        press="See whether Telegram and the venues are reached: if not, it is this machine's network.",
        steps=(
            "Open the watch's page: it may be down, or the check may have been deleted or paused there.",
            "Correct heartbeat.url in the settings and start the desk again; the log says heartbeat.failed with the status.",
        ),
        closes="By itself, with the next ping that arrives.",
    ),
    AlertCode.CALENDAR_STALE: Runbook(
        severity=Severity.ROUTINE,
        happened="The economic calendar was not taken twice in a row, or the one that stands is too old; the alert says why.",
        done="the last good calendar stands until it is too old; it is read again every calendar.every_s",
        exposed="No money now. Without data entries pass events unasked, or are all refused where inputs.news is true.",
        next="/news",
        press="The third page of /news says what is wrong with the document, and at which place.",
        steps=(
            "Mend or renew the document; its form is in docs/news.md. Write it beside the old one and rename it.",
            "An address that does not answer: try it from the machine; calendar.file takes the same document meanwhile.",
            "It cannot be mended before an event: /reduce lets only exits through until a commander lifts it.",
        ),
        closes="By itself, with the next calendar that is taken.",
    ),
}
