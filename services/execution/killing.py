"""The kill worked off: entries taken off every venue, then, if asked, positions sold; from its row, so that a crash resumes it.

Every write is a committed instruction that the executor sends. Terminals do not wait for each other: what is committed for one
goes out in lanes of its own, and a venue that does not answer is looked at beside the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from config.killing import KillingSettings
from services.access.alerts import AlertCode, alert
from services.domain.cards import halt_card
from services.domain.errors import SortieError
from services.domain.kills import Kill, KillState, LeftoverKind, ordered
from services.domain.notices import Priority
from services.domain.orders import Purpose
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, Nursery, StageBeat, Venue, Wakeups
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Trade
from services.execution.kill_looks import KillLooks
from services.execution.leftovers import (
    MAX_REFUSED_SALES,
    Refusals,
    entries_left,
    place_left,
    positions_left,
    sellable,
)
from services.execution.manage import being_closed
from services.execution.settling import Settling
from services.execution.survey import Survey, survey, to_take_back
from services.execution.taking_back import take_back_entry
from services.storage import incidents, instructions, kills, outbox, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
KILL = "kill"
POLL_S = 1.0
BUSY_S = 0.25
# A batch is one short unit, so that the first cancel leaves while the others are still being committed.
BATCH = 25
# What waits to be sent at a terminal: more would keep the protection of an entry that was filled meanwhile waiting behind it.
MOST_WAITING = 50
# Named on the card, and nobody's to hurry about.
NOT_URGENT = frozenset({LeftoverKind.FOREIGN, LeftoverKind.DUST, LeftoverKind.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class KillPorts:
    """What working a kill off needs of the outside."""

    venues: Mapping[str, Venue]
    clock: Clock
    ids: Ids
    wakeups: Wakeups
    nursery: Nursery
    beats: StageBeat


class WorkKill:
    """Takes the next step of the kill that is not over, if there is one."""

    def __init__(self, database: Database, ports: KillPorts, settling: Settling, settings: KillingSettings) -> None:
        self._database = database
        self._ports = ports
        self._settling = settling
        self._settings = settings
        self._looks = KillLooks(database, ports.venues, ports.clock, ports.ids, ports.nursery, settings.retry_s)
        self._seen: str | None = None

    async def run(self) -> None:
        """Work for ever; woken by a throw, at the latest every second."""
        while True:
            busy = False
            try:
                kill = await self()
            except SortieError as error:
                log.error("kill.step.failed", error=str(error))
            else:
                busy = kill is not None and kill.running
                self._ports.beats.beat(KILL, detail=kill.state.value if kill is not None else "none")
            await self._ports.wakeups.wait(KILL, BUSY_S if busy else POLL_S)

    async def __call__(self) -> Kill | None:
        """Take one step and return the kill as it stands then; None when there is nothing to be done."""
        kill = await self._database.glance(kills.working)
        if kill is None:
            return None
        if kill.id != self._seen:
            self._seen = kill.id
            self._looks.forget()
        found = await self._survey()
        acted = await self._take_back(kill, found)
        await self._looks(kill, found)
        if kill.flatten:
            acted |= await self._flatten(kill, found)
        # What was committed just now takes its time: the books are judged when there was nothing more to commit.
        if not acted:
            await self._judge(kill)
        return await self._database.glance(partial(kills.find, kill_id=kill.id))

    async def _survey(self) -> Survey:
        return await self._database.read(partial(survey, memory_s=self._settings.retry_s))

    async def _take_back(self, kill: Kill, found: Survey) -> bool:
        """Commit the taking back of entries, batch by batch; tell whether there was any."""
        room = {name: MOST_WAITING - found.cancelling(name) for name in found.terminals}
        chosen: list[Trade] = []
        for trade in to_take_back(found):
            if room[trade.terminal_id] > 0:
                room[trade.terminal_id] -= 1
                chosen.append(trade)
        numbers = {trade.number for trade in found.open_entries.values()}
        batches = [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
        if numbers - set(kill.entries) and not batches:
            batches = [[]]
        for batch in batches:
            await self._database.write(partial(self._batch, kill_id=kill.id, batch=batch, numbers=numbers), urgent=True)
        return bool(chosen)

    def _batch(self, unit: Unit, kill_id: str, batch: Sequence[Trade], numbers: set[int]) -> None:
        kill = _still(unit, kill_id)
        if kill is None:
            return
        actor = _actor(kill)
        for each in batch:
            trade = trades.find(unit, each.id)
            if trade is not None:
                take_back_entry(unit, actor, self._ports.ids, trade)
        if numbers - set(kill.entries):
            kills.save(unit, kill, replace(kill, entries=tuple(sorted({*kill.entries, *numbers}))))
            outbox.refresh(unit, halt_card(), Priority.URGENT)

    async def _flatten(self, kill: Kill, found: Survey) -> bool:
        """Commit the sale of what is held where its entry is over and its venue answers; tell whether there was any."""
        ready = [trade for trade in found.trades.values() if self._is_ready(kill, found, trade)]
        acted = False
        for trade in sorted(ready, key=lambda each: each.number):
            acted |= await self._database.write(partial(self._sell, kill_id=kill.id, trade_id=trade.id), urgent=True)
        return acted

    def _is_ready(self, kill: Kill, found: Survey, trade: Trade) -> bool:
        if trade.state is not TradeState.OPEN or trade.open_quantity <= 0 or not sellable(found, trade):
            return False
        over = trade.id not in found.open_entries or kill.state is not KillState.CANCELLING
        return over and self._looks.answers(trade.terminal_id)

    def _sell(self, unit: Unit, kill_id: str, trade_id: str) -> bool:
        """Sell what a trade holds and nothing sells already; a refused sale is tried again after a pause, and not for ever."""
        kill, trade = _still(unit, kill_id), trades.find(unit, trade_id)
        if kill is None or trade is None or trade.state is not TradeState.OPEN:
            return False
        quantity = trade.open_quantity - being_closed(unit, trade)
        refused = self._refusals(unit, kill, trade)
        if quantity <= 0 or refused is None or refused.count >= MAX_REFUSED_SALES:
            return False
        actor = _actor(kill)
        if take_back_entry(unit, actor, self._ports.ids, trade):
            trade = trades.find(unit, trade.id) or trade
        self._settling.sell(unit, actor, trade, quantity, KILL, whole=True)
        return True

    def _refusals(self, unit: Unit, kill: Kill, trade: Trade) -> Refusals | None:
        """Return the refusals of the kill's sales in a row; None while the last one is too fresh to try again."""
        count, code = 0, ""
        for each in reversed([i for i in instructions.of_trade(unit, trade.id) if i.purpose is Purpose.CLOSE]):
            if each.created_at < kill.at or each.state is not InstructionState.REJECTED:
                break
            if not count and (unit.now - (each.answered_at or each.created_at)).total_seconds() < self._settings.retry_s:
                return None
            count, code = count + 1, code or (each.answer or "")
        return Refusals(count=count, code=code)

    async def _judge(self, kill: Kill) -> None:
        """Store how far the kill has come, when that has changed."""
        found = await self._survey()
        refused = await self._database.glance(partial(self._all_refusals, kill=kill, found=found))
        after = self._judged(kill, found, refused)
        if after != kill:
            await self._database.write(partial(self._store, seen=kill, after=after), urgent=True)

    def _all_refusals(self, unit: Unit, kill: Kill, found: Survey) -> dict[str, Refusals]:
        held = [trade for name in found.terminals for trade in found.held(name)] if kill.flatten else []
        known = {trade.id: self._refusals(unit, kill, trade) for trade in held}
        return {trade_id: refusals for trade_id, refusals in known.items() if refusals is not None}

    def _judged(self, kill: Kill, found: Survey, refused: Mapping[str, Refusals]) -> Kill:
        flattening = kill.flatten and kill.state is not KillState.CANCELLING
        clear_since = self._looks.note_clear(found, flat=flattening)
        left = entries_left(found)
        for terminal in found.terminals.values():
            left += place_left(terminal, self._looks.of(terminal.id), clear_since.get(terminal.id))
        if flattening:
            left += positions_left(found, refused, self._looks.answers)
        open_numbers = {trade.number for trade in found.open_entries.values()}
        gone = sum(number not in open_numbers for number in kill.entries)
        waits = any(each.may_end for each in left)
        late = (found.now - kill.phase_at).total_seconds() >= self._settings.patience_s
        after = replace(kill, gone=gone)
        if kill.state is KillState.DONE:
            return replace(after, leftovers=ordered(left), working=waits)
        if waits and not late:
            return after
        if kill.state is KillState.CANCELLING and kill.flatten:
            self._looks.begin_anew()
            return replace(after, state=KillState.FLATTENING, phase_at=found.now)
        return replace(after, state=KillState.DONE, done_at=found.now, leftovers=ordered(left), working=waits)

    def _store(self, unit: Unit, seen: Kill, after: Kill) -> None:
        kill = _still(unit, seen.id)
        if kill != seen:
            # Widened or ended meanwhile: the next step judges anew.
            return
        kills.save(unit, kill, after)
        if after.state is not kill.state:
            left = [f"{each.terminal} {each.name or each.kind.value}" for each in after.leftovers]
            unit.record(_actor(kill), f"kill.{after.state.value}", kill=kill.id, entries=len(after.entries), left=left)
        elif after.leftovers != kill.leftovers:
            unit.record(_actor(kill), "kill.left", kill=kill.id, left=len(after.leftovers))
        self._alarm(unit, after)
        outbox.refresh(unit, halt_card(), Priority.URGENT)

    def _alarm(self, unit: Unit, kill: Kill) -> None:
        """Call people for what is left that a person may have to do something about; end the alarm when nothing is."""
        left = [each for each in kill.leftovers if each.entry or each.kind not in NOT_URGENT]
        if left:
            first = left[0]
            facts: dict[str, object] = {"detail": f"{first.symbol or first.terminal}: {first.reason}", "left": len(left)}
            if len(left) > 1:
                facts["detail"] = f"{facts['detail']}, and {len(left) - 1} more"
            alert(unit, self._ports.ids, AlertCode.KILL_INCOMPLETE, KILL, facts)
        else:
            incidents.close_incident(unit, AlertCode.KILL_INCOMPLETE.value, KILL)


def _still(unit: Unit, kill_id: str) -> Kill | None:
    """Return the kill while it is being worked off."""
    kill = kills.find(unit, kill_id)
    return kill if kill is not None and kill.working else None


def _actor(kill: Kill) -> Actor:
    return Actor.job(KILL, kill.correlation)
