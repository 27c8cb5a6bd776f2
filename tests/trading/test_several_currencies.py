"""The desk's exposure over accounts of several currencies: in the desk's own, by quotes that are named, or not at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from services.domain.trades import Terminal, TerminalMode
from services.domain.verdicts import Check, CheckCode
from services.missions.fire import Fired
from services.risk.surroundings import worst_value
from services.storage import desk, terminals, trades
from services.storage.database import Unit
from services.storage.previews import PreviewState
from tests.trading.rig import BTC, ETH, TOM, Rig, desk_at
from tests.trading.taps import confirm_token, preview_of

EUROS = replace(BTC, symbol="EUR/USDT", base="EUR")
IN_EUROS = replace(BTC, symbol="BTC/EUR", quote="EUR")
RATE = Decimal("1.1")


def _terminal(unit: Unit) -> None:
    terminals.close(unit, f"paper-{TOM}")
    terminals.add(
        unit,
        Terminal(
            id="paper-euro",
            name="tom-euro",
            venue="paper",
            mode=TerminalMode.PAPER,
            owner_id=TOM,
            currency="EUR",
            can_short=True,
            active=True,
            reconciled_at=None,
        ),
    )
    desk.save_universe(unit, (BTC, ETH, EUROS, IN_EUROS))


def rate(rig: Rig) -> None:
    rig.quote("1.09", "1.11", "EUR/USDT")


async def tom_holds_euros(rig: Rig) -> Decimal:
    """Let Tom trade in euros at a terminal of his, and return what that is worth at its worst, in euros."""
    await rig.trading.database.write(_terminal)
    rig.trading.instruments.update({each.symbol: each for each in (EUROS, IN_EUROS)})
    rate(rig)
    await rig.trading.sync.reconcile_all()
    await rig.price("63999.99", "64000.01", "BTC/EUR")
    mission = await rig.mission(symbol="BTC/EUR")
    assert isinstance(await rig.trading.fire(rig.actor(TOM), await confirm_token(rig, mission, person=TOM)), Fired)
    await rig.settle()
    (live,) = await rig.read(trades.live)
    assert live.open_quantity > 0
    return worst_value(live, lambda _: Decimal(64_000))


async def gross(rig: Rig) -> tuple[PreviewState, Decimal, Check]:
    """Preview an entry of Ann's, and return its value with what the check says."""
    shown = await preview_of(rig, await rig.mission())
    found = next(each for each in shown.checks if each.code is CheckCode.GROSS_EXPOSURE)
    return shown.state, shown.quantity * shown.worst_price, found


async def test_what_others_hold_counts_in_the_desks_currency_by_a_quote_that_is_named(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"gross_exposure": "0.9"}) as rig:
        euros = await tom_holds_euros(rig)
        state, own, found = await gross(rig)
        equity = Decimal(10_000) * (1 + RATE)

        assert state is PreviewState.OPEN
        assert found.value is not None
        assert abs(Decimal(found.value) - (euros * RATE + own) / equity) < Decimal("0.0001")
        assert found.note == "EUR by EUR/USDT, 0.0 s"


async def test_without_a_fresh_rate_or_reading_nothing_is_guessed(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"gross_exposure": "0.9"}) as rig:
        await tom_holds_euros(rig)
        rig.clock.advance(6)
        await rig.price("63999.99", "64000.01")
        old_rate = await gross(rig)
        rate(rig)
        mended = await gross(rig)
        rig.clock.advance(91)
        rig.quote("63999.99", "64000.01")
        rate(rig)
        await rig.trading.sync.refresh_balance(await rig.read(lambda unit: terminals.find(unit, "paper-1001")))
        old_reading = await gross(rig)

        assert (old_rate[0], old_rate[2].value) == (PreviewState.REFUSED, None)
        assert (mended[0], mended[2].value is not None) == (PreviewState.OPEN, True)
        assert (old_reading[0], old_reading[2].value) == (PreviewState.REFUSED, None)
