"""The universe: the watched instruments, screened now and then, and stored when what the desk may trade has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from config.screening import ScreeningSettings
from services.domain.market import CandleSeries, Instrument, Quote
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.domain.screening import Screened
from services.market.screening import facts_of, screen
from services.storage import desk
from services.storage.database import Database, Unit


class ScreenMarket:
    """Screen what is watched; every part of the desk reads the stored snapshot, and what was measured last is kept here."""

    def __init__(
        self,
        database: Database,
        settings: ScreeningSettings,
        tiers: Mapping[str, str],
        watched: Callable[[], Sequence[Instrument]],
        series: Callable[[str], CandleSeries | None],
        quote: Callable[[str], Quote | None],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._settings = settings
        self._tiers = tiers
        self._watched = watched
        self._series = series
        self._quote = quote
        self._clock = clock
        self._ids = ids
        self._newest: dict[str, Screened] = {}

    async def __call__(self) -> None:
        """Screen once; without a warm feed there is nothing to screen."""
        screened = self.measure()
        if screened:
            await self._database.write(partial(self._store, screened=screened))

    def measure(self) -> Sequence[Screened]:
        """Return what the screen finds now, storing nothing."""
        watched = self._watched()
        series = {each.symbol: found for each in watched if (found := self._series(each.symbol)) is not None}
        quotes = {each.symbol: quote for each in watched if (quote := self._quote(each.symbol)) is not None}
        screened = screen(facts_of(watched, series, quotes, self._clock.now()), self._settings, self._tiers)
        self._newest = {each.instrument.symbol: each for each in screened}
        return screened

    @property
    def newest(self) -> Mapping[str, Screened]:
        """Return what the newest screen found of each watched instrument, by symbol."""
        return self._newest

    def _store(self, unit: Unit, screened: Sequence[Screened]) -> None:
        before = desk.current_universe(unit)
        fresh = desk.save_universe(unit, tuple(each.instrument for each in screened if each.listed), screened)
        if before is not None and before.version == fresh.version:
            return
        was = {each.symbol for each in before.instruments} if before is not None else set()
        now = {each.symbol for each in fresh.instruments}
        unit.record(
            Actor.job("screen", f"screen-{self._ids.row()}"),
            "universe.changed",
            version=fresh.version,
            hash=fresh.digest,
            added=sorted(now - was),
            removed=sorted(was - now),
        )
