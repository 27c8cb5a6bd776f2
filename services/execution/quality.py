"""How entries go on each instrument of a venue: measured from weeks of trades, suggested, and applied by a commander."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from config.groups import RouteSettings
from services.access.authority import require
from services.domain.errors import NotFound, Refused
from services.domain.money import canonical
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.quality import EntrySample, QualityBounds, RouteFacts, facts_of, grade, suggest_offset
from services.domain.states import LIVE_TRADE_STATES
from services.portfolio.executions import sample_of
from services.storage import routes, terminals, trades
from services.storage.database import Database, Unit
from services.storage.routes import RouteRow

MOST = 300
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesShown:
    """The rows of the list, the worst first, and whether the reader may apply what they suggest."""

    rows: tuple[RouteRow, ...]
    may_apply: bool
    days: int


class MeasureRoutes:
    """Measure every instrument that was traded; offsets in force stay as they are."""

    def __init__(self, database: Database, settings: RouteSettings, ids: Ids, least_sample: int) -> None:
        self._database = database
        self._settings = settings
        self._least = least_sample
        self._ids = ids

    async def __call__(self) -> None:
        """Measure anew and store it with a suggestion where there is one."""
        measured = await self._database.read(self._measure)
        if measured:
            await self._database.write(lambda unit: self._store(unit, measured))

    def _measure(self, unit: Unit) -> Mapping[Key, RouteFacts]:
        since = unit.now - timedelta(days=self._settings.sample_days)
        venues = {terminal.id: terminal.venue for terminal in terminals.everything(unit)}
        samples: dict[Key, list[EntrySample]] = {}
        for trade in reversed(trades.tapped_since(unit, since)):
            venue = venues.get(trade.terminal_id)
            if venue is None or (trade.state in LIVE_TRADE_STATES and not trade.entry_quantity):
                continue
            of_route = samples.setdefault((venue, trade.symbol), [])
            if len(of_route) < MOST:
                of_route.append(sample_of(unit, trade))
        return {key: facts_of(found) for key, found in samples.items()}

    def _store(self, unit: Unit, measured: Mapping[Key, RouteFacts]) -> None:
        actor = Actor.job("routes", f"routes-{self._ids.row()}")
        for (venue, symbol), facts in measured.items():
            before = routes.find(unit, venue, symbol)
            offset = before.offset_bps if before is not None else self._settings.offset_bps
            quality = grade(facts, self._bounds())
            suggested = self._suggested(facts, offset)
            routes.measured(unit, venue, symbol, offset_bps=offset, suggested_bps=suggested, quality=quality, facts=facts)
            if before is None or before.quality is not quality:
                unit.record(actor, "route.graded", venue=venue, symbol=symbol, quality=quality.value, sample=facts.fills)

    def _suggested(self, facts: RouteFacts, offset: Decimal) -> Decimal | None:
        group = self._settings
        return suggest_offset(
            facts,
            offset,
            least=self._least,
            step_bps=group.offset_step_bps,
            low=group.offset_low_bps,
            high=group.offset_high_bps,
        )

    def _bounds(self) -> QualityBounds:
        group = self._settings
        return QualityBounds(
            least=self._least,
            good_bps=group.good_bps,
            degraded_bps=group.degraded_bps,
            broken_bps=group.broken_bps,
            degraded_refused=group.degraded_refused,
            broken_refused=group.broken_refused,
            degraded_fallback=group.degraded_fallback,
        )


class RouteBook:
    """The list of routes, and what a commander does with a suggestion."""

    def __init__(self, database: Database, settings: RouteSettings) -> None:
        self._database = database
        self._settings = settings

    async def shown(self, actor: Actor) -> RoutesShown:
        """Return what was measured, for anyone who may look."""

        def body(unit: Unit) -> RoutesShown:
            person = require(unit, actor, Role.OBSERVER)
            rows = sorted(routes.everything(unit), key=lambda row: (-_BADNESS[row.quality.value], row.venue, row.symbol))
            return RoutesShown(rows=tuple(rows), may_apply=person.role is Role.COMMANDER, days=self._settings.sample_days)

        return await self._database.read(body)

    async def apply(self, actor: Actor, venue: str, symbol: str, offset: str) -> RouteRow:
        """Put the suggested offset into force; raise Refused when it is not the one suggested now."""

        def body(unit: Unit) -> RouteRow:
            require(unit, actor, Role.COMMANDER)
            row = routes.find(unit, venue, symbol)
            if row is None:
                raise NotFound("ROUTE", reference=f"{venue} {symbol}")
            if row.suggested_bps is None or canonical(row.suggested_bps) != offset:
                raise Refused("SUGGESTION_CHANGED", value=offset)
            routes.apply(unit, row, row.suggested_bps)
            unit.record(actor, "route.applied", venue=venue, symbol=symbol, before=row.offset_bps, after=row.suggested_bps)
            return row

        return await self._database.write(body, urgent=True)


_BADNESS = {"broken": 4, "degraded": 3, "ok": 2, "good": 1, "no data": 0}
