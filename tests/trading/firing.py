"""Random orders over random portfolios, from preview to the venue's write; ``python -m tests.trading.firing`` fires many."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from sqlalchemy import update

from handlers.cli.console import say
from services.domain.market import Instrument
from services.domain.money import ceil_to, floor_to, truncate_to
from services.domain.ports import Venue
from services.domain.signals import Mission, Side
from services.missions.fire import Denied, FireOutcome
from services.storage import desk, terminals, tokens
from services.storage.tables import tokens as token_rows
from tests.trading.oracle import Oracle
from tests.trading.rig import ANN, BTC, CARL, ETH, TOM, HandClock, Rig, desk_at, make_settings
from tests.trading.taps import preview_of

BNB = replace(ETH, symbol="BNB/USDT", base="BNB", step=Decimal("0.001"), min_quantity=Decimal("0.001"))
SOL = replace(ETH, symbol="SOL/USDT", base="SOL", max_quantity=Decimal(12))
LISTED: dict[Instrument, Decimal] = {BTC: Decimal(64_000), ETH: Decimal(3_200), BNB: Decimal(600), SOL: Decimal(150)}
PEOPLE = (ANN, TOM, CARL)
DAY_S = 24 * 3600.0
# Nobody is held back for losing, and what is measured over a sample that these desks never reach is left to its own tests.
FREE = {
    "breakers": {"streak_warn": 9_999, "streak_lock": 10_000},
    "discipline": {"medic_from": "0.9", "medic_before": "1"},
    # All calls here have one entry, whatever the instrument costs.
    "inputs": {"vitality_least": 0},
}


@dataclass
class Tally:
    """What became of the orders, and what the oracle says of those that were sent."""

    asked: int = 0
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.asked, self.sent, self.broken = self.asked + other.asked, self.sent + other.sent, self.broken + other.broken
        self.refused.update(other.refused)


def limits_of(draw: Random) -> dict[str, Any]:
    """Draw a desk's limits: each that may be off is so half of the time."""
    risk: dict[str, Any] = {
        "per_trade": draw.choice(["0.005", "0.01", "0.02"]),
        "default_per_trade": "0.004",
        "max_notional": draw.choice(["0.3", "0.6", "1.2"]),
        "leverage": draw.choice(["0.8", "1.5", "3"]),
        "open_positions": draw.randint(1, 4),
        "daily_loss": draw.choice(["0.02", "0.06"]),
    }
    may_be_off: dict[str, Any] = {
        "cash_reserve": "0.2",
        "instrument_share": draw.choice(["0.2", "0.5"]),
        "tier_share": draw.choice(["0.6", "1"]),
        "gross_exposure": draw.choice(["0.4", "1"]),
        "net_exposure": draw.choice(["0.3", "0.7"]),
        "desk_positions": draw.randint(2, 8),
        "person_positions": draw.randint(1, 4),
        "instrument_positions": draw.randint(1, 3),
        "trades_per_hour": draw.randint(3, 15),
        "instrument_cooldown_s": draw.choice([30, 120]),
    }
    risk |= {name: value for name, value in may_be_off.items() if draw.random() < 0.5}
    risk["scoped"] = [{"scope": "instrument", "subject": "BTC/USDT", "limit": "max_notional", "value": "0.25"}]
    return risk


class Firing:
    """One desk whose people ask for orders in random markets."""

    def __init__(self, rig: Rig, oracle: Oracle, draw: Random) -> None:
        self._rig = rig
        self._oracle = oracle
        self._draw = draw
        self._mids = dict(LISTED)
        self.tally = Tally()

    async def run(self, orders: int) -> Tally:
        """Let people ask for so many orders."""
        await self._new_day()
        while self.tally.asked < orders:
            if self._draw.random() < 0.05:
                self._rig.clock.advance(DAY_S)
                await self._new_day()
            await self._round()
        self.tally.sent, self.tally.broken = len(self._oracle.sent), self._oracle.broken
        return self.tally

    async def _new_day(self) -> None:
        await self._market()
        for person in PEOPLE:
            account = f"paper-{person}"
            self._oracle.opened[account] = (await self._rig.trading.paper.balance(account)).equity

    async def _market(self) -> None:
        """Show the next prices to desk and venue, let exits be filled, and read every account."""
        self._rig.clock.advance(self._draw.choice([5, 60, 300]))
        for instrument in LISTED:
            mid = self._mids[instrument] * Decimal(str(round(1 + self._draw.gauss(0, 0.008), 6)))
            self._mids[instrument] = mid
            half = mid * self._draw.choice([1, 1, 2, 12]) / 20_000
            bid, ask = floor_to(mid - half, instrument.tick), ceil_to(mid + half, instrument.tick)
            await self._rig.trading.paper.on_quote(self._rig.quote(str(bid), str(ask), instrument.symbol))
        await self._rig.settle()
        for terminal in await self._rig.read(terminals.everything):
            await self._rig.trading.sync.refresh_balance(terminal)

    async def _round(self) -> None:
        """Let everybody press Confirm before anything is sent, so that each stands beside what is in flight."""
        await self._market()
        waiting = [(person, await self._previewed(person, await self._mission())) for person in PEOPLE]
        if self._draw.random() < 0.05:
            self._rig.clock.advance(6)
        for person, token in waiting:
            if token is not None:
                self._note(await self._rig.trading.fire(self._rig.actor(person), token))
        await self._rig.settle()

    async def _mission(self) -> tuple[Instrument, Mission]:
        instrument = self._draw.choice(list(LISTED))
        mid, side = self._mids[instrument], self._draw.choice(list(Side))
        away = mid * Decimal(str(round(self._draw.uniform(0.003, 0.02), 4)))
        stop, target = (floor_to(mid + away * side.sign * times, instrument.tick) for times in (-1, 1))
        mission = await self._rig.mission(symbol=instrument.symbol, side=side, stop=str(stop), targets=(str(target),))
        return instrument, mission

    async def _previewed(self, person: int, asked: tuple[Instrument, Mission]) -> str | None:
        """Open a preview, often rewrite the size that its Confirm is for, and return the token where there is one."""
        instrument, mission = asked
        self.tally.asked += 1
        shown = await preview_of(self._rig, mission, person=person, size=self._draw.choice(["half", "full", "max"]))
        if shown.token_id is None:
            self.tally.refused[next(each.code.value for each in shown.checks if not each.passed)] += 1
            return None
        if self._draw.random() < 0.5:
            times = Decimal(str(round(self._draw.uniform(0.1, 3), 3)))
            wanted = max(truncate_to(shown.largest * times, instrument.step), instrument.step)
            await self._rig.trading.database.write(partial(_rewrite, token_id=shown.token_id, quantity=wanted))
        self._oracle.stops[f"paper-{person}", instrument.symbol] = mission.signal.stop
        return shown.token_id

    def _note(self, outcome: FireOutcome) -> None:
        if isinstance(outcome, Denied):
            self.tally.refused[outcome.check.code.value] += 1


def _rewrite(unit: Any, *, token_id: str, quantity: Decimal) -> None:
    token = tokens.find(unit, token_id)
    assert token is not None
    unit.run(update(token_rows).where(token_rows.c.id == token_id).values(terms={**token.terms, "quantity": str(quantity)}))


async def fire_at(folder: Path, seed: int, orders: int, risk: dict[str, Any] | None = None) -> Tally:
    """Open a desk with limits, drawn unless they are given, and markets of a seed, and fire so many orders there."""
    draw, clock = Random(seed), HandClock()
    groups = FREE | {"risk": risk or limits_of(draw)}
    settings, found = make_settings(folder, **groups), list[Oracle]()

    def watched(venue: Venue) -> Venue:
        found.append(
            Oracle(
                venue=venue,
                limits=settings.risk,
                fee=settings.paper.taker_bps / 10_000,
                now=clock.now,
                quote_of=lambda symbol: rig.trading.quotes.latest(symbol),
                instruments={each.symbol: each for each in LISTED},
                accounts=[f"paper-{person}" for person in PEOPLE],
            )
        )
        return found[0]  # type: ignore[return-value]

    async with desk_at(folder, clock=clock, wrap=watched, **groups) as rig:
        rig.trading.instruments.update({each.symbol: each for each in LISTED})
        await rig.trading.database.write(lambda unit: desk.save_universe(unit, tuple(LISTED)))
        return await Firing(rig, found[0], draw).run(orders)


def main() -> None:
    """Fire as many orders as asked, over as many desks, and print what the oracle says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--desks", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="seed of the first desk")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    whole, began = Tally(), time.process_time()
    for seed in range(asked.first, asked.first + asked.desks):
        with TemporaryDirectory() as folder:
            whole.add(asyncio.run(fire_at(Path(folder), seed, -(-asked.orders // asked.desks))))
        took = round(time.process_time() - began)
        say(f"desk {seed}: {whole.asked} orders so far, {whole.sent} sent, {took} s of processor time")
    say("refused: " + ", ".join(f"{code} {count}" for code, count in whole.refused.most_common()))
    for rule in whole.broken[:20]:
        say(f"BROKEN: {rule}")
    raise SystemExit(1 if whole.broken else 0)


if __name__ == "__main__":
    main()
