"""Cards of what a venue does when nobody speaks to it: its entries go as of that time, what protects stays."""

from __future__ import annotations

from services.domain.orders import OrderRole
from services.domain.ports import CancelOnSilence
from services.domain.states import OrderState
from tests.venues.conformance import ACCOUNT, Bench, need, open_long, refusal, state_of, working
from tests.venues.conformance_exits import FullVenueConformance
from tests.venues.hands import exits, order


def need_scope(bench: Bench) -> None:
    need(bench.venue.capabilities.cancel_on_silence is CancelOnSilence.ENTRIES, "cancel on silence for entries alone")


async def rest_and_protect(bench: Bench) -> None:
    """Hold a position under a stop and a target, and let an entry and a close rest."""
    quantity = await open_long(bench, "1")
    await bench.venue.place_list(ACCOUNT, exits("list", "sell", (quantity, "95.00"), (quantity, "110.00")))
    await bench.venue.place(ACCOUNT, order("rest00", "buy", "1", price="90.00"))
    await bench.venue.place(ACCOUNT, order("close00", "sell", quantity, price="120.00", role=OrderRole.CLOSE, reduce_only=True))


class SilenceConformance(FullVenueConformance):
    """All cards, and those of silence."""

    async def test_va_36_silence_takes_the_entries_and_leaves_what_protects(self, bench: Bench) -> None:
        need_scope(bench)
        await rest_and_protect(bench)
        await bench.venue.keep_alive(ACCOUNT, 30)

        await bench.silence()
        await bench.show("99.99", "100.00")

        assert await state_of(bench, "rest00") is OrderState.CANCELED
        assert await working(bench) == ["list00", "list01", "close00"]

    async def test_va_37_an_account_that_is_heard_of_keeps_its_entries(self, bench: Bench) -> None:
        need_scope(bench)
        await rest_and_protect(bench)
        for _ in range(3):
            await bench.venue.keep_alive(ACCOUNT, 70)
            await bench.silence()
            await bench.show("99.99", "100.00")

        assert await state_of(bench, "rest00") is OrderState.ACCEPTED

    async def test_va_38_one_that_stood_down_may_be_silent(self, bench: Bench) -> None:
        need_scope(bench)
        await rest_and_protect(bench)
        await bench.venue.stand_down(ACCOUNT)
        await bench.venue.keep_alive(ACCOUNT, 30)
        await bench.venue.stand_down(ACCOUNT)

        await bench.silence()
        await bench.show("99.99", "100.00")

        assert await state_of(bench, "rest00") is OrderState.ACCEPTED

    async def test_va_39_a_venue_without_it_says_so(self, bench: Bench) -> None:
        need(bench.venue.capabilities.cancel_on_silence is CancelOnSilence.NONE, "lack of it")

        assert await refusal(bench.venue.keep_alive(ACCOUNT, 30)) == "NOT_OFFERED"
        assert await refusal(bench.venue.stand_down(ACCOUNT)) == "NOT_OFFERED"
