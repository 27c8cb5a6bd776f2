"""The day's profit: what was made since midnight, whatever was open then and however it ended."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.buttons import Act
from services.domain.errors import Refused
from services.domain.signals import Side
from services.risk.ledger import day_profit
from services.storage import terminals
from services.storage.database import Unit
from services.storage.terminals import DayResult
from tests.trading.rig import ANN, HandClock, Rig, desk_at
from tests.trading.taps import confirm_token

EVENING = datetime(2026, 11, 20, 23, 55, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
PRICES = ["63100", "63400", "63777.7", "64300", "65200", "65999"]
CENT = Decimal("0.01")
# What the paper venue charges for borrowing goes off the account and is no part of any trade.
NO_INTEREST = {"borrow_bps_per_day": "0"}
STEPS = st.one_of(
    st.tuples(st.just("price"), st.sampled_from([*PRICES, "62900", "66001", "67600"])),
    st.tuples(st.just("close"), st.sampled_from(["0.5", "0.5", "1"])),
)


async def fire_late(rig: Rig, side: Side) -> None:
    """Enter shortly before midnight; stop and targets lie on both sides of the prices."""
    levels = {"stop": "63000", "targets": ("66000", "67500")} if side is Side.LONG else {"stop": "67000", "targets": ("63200",)}
    mission = await rig.mission(side=side, **levels)  # type: ignore[arg-type]
    await rig.trading.fire(rig.actor(), await confirm_token(rig, mission))
    await rig.settle()


async def show(rig: Rig, price: str) -> None:
    """Let desk and venue see a price until nothing more happens, then have the account read."""
    await rig.price(str(Decimal(price) - CENT), str(Decimal(price) + CENT))
    await rig.trading.sync.reconcile_all()


async def close(rig: Rig, share: str) -> None:
    """Tap Close or Half and confirm, unless there is nothing left."""
    with suppress(Refused):
        asked = await rig.trading.ask_close(rig.actor(), "1", Decimal(share))
        assert asked.token is not None
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
    await rig.settle()


async def take(rig: Rig, what: str, how: str) -> None:
    """Let one thing happen."""
    await (show(rig, how) if what == "price" else close(rig, how))


async def pass_midnight(rig: Rig) -> None:
    """Move on to a second past midnight at the same price."""
    latest = rig.trading.quotes.latest("BTC/USDT")
    assert latest is not None
    rig.clock.advance((MIDNIGHT - rig.clock.now()).total_seconds() + 1)
    await show(rig, str(latest.mid))


async def equity_of(rig: Rig) -> Decimal:
    """Ask the venue what the account is worth."""
    return (await rig.trading.paper.balance(f"paper-{ANN}")).equity


async def profit_of(rig: Rig) -> Decimal | None:
    """Ask the desk what the day has brought, at the middle of the newest quotes."""

    def price_of(symbol: str) -> Decimal | None:
        quote = rig.trading.quotes.latest(symbol)
        return quote.mid if quote is not None else None

    def body(unit: Unit) -> Decimal | None:
        terminal = terminals.find(unit, f"paper-{ANN}")
        assert terminal is not None
        return day_profit(unit, terminal, "UTC", price_of)

    found: Decimal | None = await rig.read(body)
    return found


async def today(rig: Rig) -> DayResult | None:
    """Read the day's row."""
    day = rig.clock.now().date().isoformat()
    found: DayResult | None = await rig.read(partial(terminals.day_result, terminal_id=f"paper-{ANN}", day=day))
    return found


@given(
    side=st.sampled_from(list(Side)),
    before=st.lists(STEPS, max_size=3),
    after=st.lists(STEPS, min_size=1, max_size=5),
)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_the_days_profit_is_what_the_account_gained_since_midnight(
    side: Side, before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    async def live(folder: Path) -> None:
        async with desk_at(folder, clock=HandClock(EVENING), paper=NO_INTEREST) as rig:
            await fire_late(rig, side)
            for what, how in before:
                await take(rig, what, how)
            worth = await equity_of(rig)
            await pass_midnight(rig)
            for what, how in after:
                await take(rig, what, how)
                profit = await profit_of(rig)
                assert profit is not None
                assert abs(profit - (await equity_of(rig) - worth)) < Decimal("1e-9")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


async def test_a_trade_that_lost_before_midnight_leaves_the_new_day_its_whole_limit(tmp_path: Path) -> None:
    async with desk_at(tmp_path, clock=HandClock(EVENING)) as rig:
        await fire_late(rig, Side.LONG)
        await show(rig, "63100")
        lost = await profit_of(rig)

        await pass_midnight(rig)

        day = await today(rig)
        assert lost is not None and lost < -30
        assert day is not None and day.carried < -30
        assert await profit_of(rig) == 0


async def test_a_fill_that_is_the_first_of_the_day_finds_the_day_opened_before_it_is_booked(tmp_path: Path) -> None:
    async with desk_at(tmp_path, clock=HandClock(EVENING)) as rig:
        await fire_late(rig, Side.LONG)
        rig.clock.advance((MIDNIGHT - rig.clock.now()).total_seconds() - 2)
        await show(rig, "65000")
        worth = await equity_of(rig)
        rig.clock.advance(4)
        rig.quote("64999.99", "65000.01")
        asked = await rig.trading.ask_close(rig.actor(), "1", Decimal(1))
        assert asked.token is not None
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await show(rig, "65000")

        day = await today(rig)
        assert day is not None and (day.opening_equity, day.carried > 30) == (worth, True)
        assert await profit_of(rig) == await equity_of(rig) - worth < 0


async def test_without_a_price_the_day_is_not_opened_and_nothing_is_measured_by_it(tmp_path: Path) -> None:
    async with desk_at(tmp_path, clock=HandClock(EVENING)) as rig:
        await fire_late(rig, Side.LONG)
        await show(rig, "64300")
        stale = rig.trading.quotes.latest("BTC/USDT")
        assert stale is not None
        rig.clock.advance((MIDNIGHT - rig.clock.now()).total_seconds() + 120)
        await rig.trading.paper.on_quote(replace(stale, feed_time=rig.clock.now(), received_at=rig.clock.now()))
        await rig.trading.sync.reconcile_all()
        unopened, unmeasured = await today(rig), await profit_of(rig)

        await show(rig, "64300")

        opened = await today(rig)
        assert (unopened, unmeasured) == (None, None)
        assert opened is not None and opened.carried > 0
        assert await profit_of(rig) == 0


async def test_what_is_realised_before_the_days_first_reading_counts_only_as_a_loss(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        for day, change, kept in (("2026-12-01", Decimal(70), Decimal(0)), ("2026-12-02", Decimal(-70), Decimal(-70))):

            def body(unit: Unit, day: str = day, change: Decimal = change) -> DayResult | None:
                terminals.add_to_day(unit, f"paper-{ANN}", day, change)
                terminals.open_day(unit, f"paper-{ANN}", day, Decimal(9_000), Decimal(5))
                terminals.open_day(unit, f"paper-{ANN}", day, Decimal(8_000), Decimal(6))
                return terminals.day_result(unit, f"paper-{ANN}", day)

            stored = await rig.trading.database.write(body)

            assert stored == DayResult(opening_equity=Decimal(9_000), realized=kept, carried=Decimal(5))
