"""The paper venue's silence: kept in its file, so that it ends entries also while nobody runs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.domain.errors import VenueRejected
from services.domain.states import OrderState
from services.venues.paper import silence
from services.venues.paper.book import Draft
from tests.venues.conformance import ACCOUNT, state_of
from tests.venues.conformance_silence import rest_and_protect
from tests.venues.hands import BTC, HandClock, order
from tests.venues.paper_bench import paper_bench


async def test_a_silence_that_ended_while_nobody_ran_has_its_effect_at_the_next_start_as_of_its_own_time(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with paper_bench(tmp_path / "paper.db", clock) as before:
        await rest_and_protect(before)
        await before.venue.keep_alive(ACCOUNT, 60)
        ends_at = clock.now() + timedelta(seconds=60)
    clock.move(3_600)

    async with paper_bench(tmp_path / "paper.db", clock) as after:
        found = await after.venue.find(ACCOUNT, BTC.symbol, "rest00")
        left = [each.client_id for each in await after.venue.open_orders(ACCOUNT)]

    assert found is not None
    assert (found.state, found.updated_at) == (OrderState.CANCELED, ends_at)
    assert left == ["list00", "list01", "close00"]


async def test_an_entry_does_not_fill_after_its_time_although_the_price_comes_before_anybody_looks(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
        await bench.venue.keep_alive(ACCOUNT, 30)
        bench.clock.move(31)

        await bench.venue.on_quote(bench.post("89.00", "89.01"))

        assert await state_of(bench, "rest00") is OrderState.CANCELED
        assert await bench.venue.fills_since(ACCOUNT, 0) == []


async def test_being_heard_of_too_late_does_not_bring_entries_back(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
        await bench.venue.keep_alive(ACCOUNT, 30)
        bench.clock.move(31)

        await bench.venue.keep_alive(ACCOUNT, 30)

        assert await state_of(bench, "rest00") is OrderState.CANCELED


async def test_the_running_venue_ends_a_silence_without_a_quote_and_says_so(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        await bench.show("99.99", "100.00")
        await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
        await bench.show("99.99", "100.00")
        await bench.venue.keep_alive(ACCOUNT, 30)
        running = asyncio.ensure_future(bench.venue.run())
        try:
            async with asyncio.timeout(40):
                while bench.clock.next_wake is None:
                    await asyncio.sleep(0)
                bench.clock.move(30)
                while not bench.changes:
                    await asyncio.sleep(0)
        finally:
            running.cancel()

        assert await state_of(bench, "rest00") is OrderState.CANCELED


async def test_only_an_account_that_exists_is_heard_of(tmp_path: Path) -> None:
    async with paper_bench(tmp_path / "paper.db") as bench:
        with pytest.raises(VenueRejected, match="UNKNOWN_ACCOUNT"):
            await bench.venue.keep_alive("nobody", 30)


async def test_without_the_look_at_the_role_the_card_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end_all(draft: Draft, now: datetime) -> None:
        for account, ends_at in draft.book.silences.items():
            if ends_at <= now:
                for each in list(draft.live_of_account(account)):
                    draft.finish(each, OrderState.CANCELED, silence.REASON, now)

    monkeypatch.setattr("services.venues.paper.venue.end_silences", end_all)
    async with paper_bench(tmp_path / "paper.db") as bench:
        await rest_and_protect(bench)
        await bench.venue.keep_alive(ACCOUNT, 30)
        await bench.silence()
        await bench.show("99.99", "100.00")

        assert await bench.venue.open_orders(ACCOUNT) == []
