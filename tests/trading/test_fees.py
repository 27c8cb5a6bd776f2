"""Fees in a third currency: booked at once, counted as soon as a rate is there, paid out of what the account holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from handlers.telegram.views.cards import render_card
from services.domain.cards import trade_card
from services.domain.money import ZERO
from services.domain.orders import VenueFill, VenuePosition
from services.domain.ports import Venue
from services.missions.fire import Fired
from services.reporting.cards import load_card
from services.reporting.live import Live
from services.storage import desk, holdings, proposals, terminals, trades
from tests.trading.any_order import BNB
from tests.trading.rig import ANN, BTC, ETH, START, Rig, desk_at
from tests.trading.taps import fire

TERMINAL = f"paper-{ANN}"
FEE = Decimal("0.0012")


class FeesInBnb:
    """An exchange that charges each fill in its own coin, of which the account holds some."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.charged: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        found = [replace(f, fee=FEE, fee_currency="BNB") for f in await self._venue.fills_since(account, sequence)]
        self.charged |= {fill.venue_fill_id for fill in found}
        return found

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        coins = VenuePosition(symbol=BNB.symbol, quantity=Decimal(5) - FEE * len(self.charged))
        return [*await self._venue.positions(account), *([coins] if account == TERMINAL else [])]


def live(rig: Rig) -> Live:
    return Live(
        now=rig.clock.now(),
        quote=rig.trading.quotes.latest,
        series=lambda _symbol: None,
        balance=rig.trading.accounts.latest,
        zone="UTC",
        least_sample=10,
    )


async def card(rig: Rig, trade_id: str) -> str:
    key = trade_card(trade_id)
    rendered = render_card(key, await rig.read(lambda unit: load_card(unit, key, ANN, live(rig))))
    assert rendered is not None
    return rendered.plain()


async def test_a_fee_without_a_rate_is_booked_and_shown_and_counted_later(tmp_path: Path) -> None:
    async with desk_at(tmp_path, wrap=lambda venue: FeesInBnb(venue)) as rig:  # type: ignore[arg-type, return-value]
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        booked = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        shown = await card(rig, booked.id)
        day = START.date().isoformat()
        realized = (await rig.read(lambda unit: terminals.day_result(unit, TERMINAL, day))).realized

        await rig.trading.database.write(lambda unit: desk.save_universe(unit, (BTC, ETH, BNB)))
        rig.quote("600", "602", BNB.symbol)
        await rig.trading.sync.reconcile_all()
        counted = await rig.read(lambda unit: trades.find(unit, fired.trade_id))

        assert booked.entry_quantity == booked.quantity and booked.fees == ZERO == realized
        assert "fee 0.00 USDT + 0.0012 BNB" in shown
        assert counted.fees == FEE * 601
        assert (await rig.read(lambda unit: terminals.day_result(unit, TERMINAL, day))).realized == -FEE * 601
        assert "BNB" not in await card(rig, booked.id)


async def test_a_fee_is_counted_at_once_where_there_is_a_rate_and_paid_from_the_holding(tmp_path: Path) -> None:
    async with desk_at(tmp_path, wrap=lambda venue: FeesInBnb(venue)) as rig:  # type: ignore[arg-type, return-value]
        await rig.trading.database.write(lambda unit: desk.save_universe(unit, (BTC, ETH, BNB)))
        rig.quote("600", "602", BNB.symbol)
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        await rig.trading.sync.reconcile_all()

        trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        assert trade.fees == FEE * 601
        assert await rig.read(lambda unit: holdings.quantity(unit, TERMINAL, BNB.symbol)) == Decimal(5) - FEE
        assert await rig.read(proposals.waiting) == []
        assert await rig.trading.sync.reconcile_all() == 0
