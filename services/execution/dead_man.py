"""The stage that tells venues that the desk lives, so that resting entries do not outlive it.

A venue that is not told for a while cancels entries by itself. It is told only by the owner of the executor's lease, and only
while the stages that manage entries show life: a desk that hangs is as good as dead. Where the venue would cancel exits too,
its countdown runs only while none rests there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from config.deadman import DeadmanSettings
from services.domain.errors import SortieError
from services.domain.orders import OrderRole, Purpose
from services.domain.people import Actor
from services.domain.ports import CancelOnSilence, Clock, Ids, StageBeat, Venue
from services.domain.routes import RoutePhase, load_route
from services.domain.trades import Terminal, Trade
from services.storage import desk, instructions, orders, silences, terminals, trades
from services.storage.database import Database, Unit
from services.storage.desk import Lease
from services.storage.silences import Silence

log = structlog.get_logger()
STAGE = "deadman"
LOOK_EVERY_S = 1.0
RETRY_S = 3.0
CALL_TIMEOUT_S = 5.0
# What has to live for an entry to be looked after: sending and cancelling, hearing of fills, and taking back in time.
MINDING = ("executor", "fills", "entries")
_AT_THE_VENUE = frozenset({RoutePhase.RESTING, RoutePhase.CLEARING})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadManPorts:
    """What it needs of the outside; ``alive`` tells whether a stage shows life, ``lease`` is the executor's."""

    venues: Mapping[str, Venue]
    clock: Clock
    ids: Ids
    beats: StageBeat
    alive: Callable[[str], bool]
    lease: Callable[[], Lease | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """A terminal as the books have it: the trades whose entries rest at its venue, and whether exits do that it cancels."""

    terminal: Terminal
    resting: tuple[str, ...]
    exits: bool
    silence: Silence | None


class DeadMan:
    """Keeps the countdown of every terminal whose venue has one, and stops it where nothing is left to cancel."""

    def __init__(self, database: Database, ports: DeadManPorts, settings: DeadmanSettings) -> None:
        self._database = database
        self._ports = ports
        self._settings = settings
        # A terminal in neither was not spoken to by this process: a countdown of an earlier one may run there.
        self._told_at: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._tried_at: dict[str, float] = {}
        self._withheld = False

    async def run(self) -> None:
        """Look for ever, once a second."""
        while True:
            counting = await self()
            self._ports.beats.beat(STAGE, detail=f"{counting} counting")
            await self._ports.clock.sleep(LOOK_EVERY_S)

    async def __call__(self) -> int:
        """Look at every terminal once and tell its venue what is due; return how many countdowns run."""
        accounts = await self._database.glance(self._accounts)
        await asyncio.gather(*(self._tend(account) for account in accounts))
        return len(self._told_at)

    def _accounts(self, unit: Unit) -> list[_Account]:
        ours, held = self._ports.lease(), desk.holder(unit, "executor")
        if ours is None or held is None or (held.owner, held.epoch) != (ours.owner, ours.epoch):
            return []
        return [
            self._account(unit, each) for each in terminals.everything(unit) if self._scope(each) is not CancelOnSilence.NONE
        ]

    def _account(self, unit: Unit, terminal: Terminal) -> _Account:
        live = trades.live(unit, terminal_id=terminal.id)
        routes = {trade.id: load_route(trade.route) for trade in live}
        return _Account(
            terminal=terminal,
            resting=tuple(name for name, route in routes.items() if route is not None and route.phase in _AT_THE_VENUE),
            exits=self._scope(terminal) is CancelOnSilence.ALL and _has_exits(unit, terminal, live),
            silence=silences.find(unit, terminal.id),
        )

    def _scope(self, terminal: Terminal) -> CancelOnSilence:
        venue = self._ports.venues.get(terminal.venue)
        return venue.capabilities.cancel_on_silence if venue is not None else CancelOnSilence.NONE

    async def _tend(self, account: _Account) -> None:
        name, monotonic = account.terminal.id, self._ports.clock.monotonic()
        if monotonic - self._tried_at.get(name, float("-inf")) < RETRY_S:
            return
        whole = self._scope(account.terminal) is CancelOnSilence.ALL
        try:
            if self._settings.enabled and account.resting and not (whole and account.exits):
                if self._is_due(account) and self._is_minded():
                    await self._tell(account)
            elif name not in self._stopped:
                await self._stop(account)
        except (SortieError, TimeoutError) as error:
            self._tried_at[name] = monotonic
            log.warning("deadman.not_told", terminal=account.terminal.name, error=str(error) or type(error).__name__)

    def _is_due(self, account: _Account) -> bool:
        """Look at both clocks: one stands still while a machine sleeps, the other may be set."""
        told_at, silence = self._told_at.get(account.terminal.id), account.silence
        if told_at is None or silence is None:
            return True
        left = silence.ends_at - self._ports.clock.now()
        late = left.total_seconds() <= self._settings.timeout_s - self._settings.every_s
        return late or self._ports.clock.monotonic() - told_at >= self._settings.every_s

    def _is_minded(self) -> bool:
        silent = [stage for stage in MINDING if not self._ports.alive(stage)]
        if silent and not self._withheld:
            log.error("deadman.withheld", silent=silent)
        self._withheld = bool(silent)
        return not silent

    async def _tell(self, account: _Account) -> None:
        name, now = account.terminal.id, self._ports.clock.now()
        lapsed = account.silence is not None and account.silence.ends_at <= now
        missed = account.resting if lapsed else account.silence.lapsed if account.silence is not None else ()
        ends_at = now + timedelta(seconds=self._settings.timeout_s)
        self._stopped.discard(name)
        venue = self._ports.venues[account.terminal.venue]
        await asyncio.wait_for(venue.keep_alive(name, self._settings.timeout_s), CALL_TIMEOUT_S)
        self._told_at[name] = self._ports.clock.monotonic()

        def body(unit: Unit) -> None:
            silences.save(unit, name, Silence(ends_at=ends_at, lapsed=missed))
            if lapsed:
                actor = Actor.job(STAGE, f"{STAGE}-{self._ports.ids.row()}")
                unit.record(actor, "deadman.lapsed", terminal=account.terminal.name, trades=missed)

        await self._database.write(body)

    async def _stop(self, account: _Account) -> None:
        name = account.terminal.id
        await asyncio.wait_for(self._ports.venues[account.terminal.venue].stand_down(name), CALL_TIMEOUT_S)
        self._stopped.add(name)
        self._told_at.pop(name, None)
        if account.silence is not None:
            await self._database.write(lambda unit: silences.save(unit, name, None))


def _has_exits(unit: Unit, terminal: Terminal, live: Sequence[Trade]) -> bool:
    coming = any(each.purpose is Purpose.PROTECT for trade in live for each in instructions.pending_of_trade(unit, trade.id))
    return coming or any(order.role is not OrderRole.ENTRY for order in orders.live(unit, terminal_id=terminal.id))
