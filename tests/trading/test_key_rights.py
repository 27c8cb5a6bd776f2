"""A terminal whose key may withdraw takes no entries, is looked after all the same, and opens when the right is gone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

from services.domain.buttons import Act
from services.domain.incidents import AlertCode
from services.domain.ports import Venue
from services.domain.trades import TerminalMode
from services.domain.verdicts import CheckCode
from services.execution.sync import RIGHTS_EVERY_S
from services.storage import incidents, terminals, trades
from services.storage.database import Unit
from services.venues.ccxt_spot.calls import Caller, Reading
from services.venues.ccxt_spot.replies import Call, Lane
from services.venues.ccxt_spot.rights import may_withdraw
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import fire, preview_of

TERMINAL = f"paper-{ANN}"


class Keyed:
    """A venue that says of its key what a test wants; each look is counted."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.right: bool | None = False
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    async def may_withdraw(self) -> bool | None:
        self.asked += 1
        return self.right


def onto_a_test_network(unit: Unit) -> None:
    terminal = terminals.find(unit, TERMINAL)
    assert terminal is not None
    terminals.add(unit, replace(terminal, mode=TerminalMode.TESTNET))


async def is_open(rig: Rig) -> bool:
    terminal = await rig.read(lambda unit: terminals.find(unit, TERMINAL))
    return terminal.reconciled_at is not None


async def told(rig: Rig) -> list[str]:
    return [row.code for row in await rig.read(incidents.open_incidents)]


async def test_a_key_that_may_withdraw_closes_its_terminal_to_entries_alone(tmp_path: Path) -> None:
    held: list[Keyed] = []

    def wrap(venue: Venue) -> Venue:
        held.append(Keyed(venue))
        return cast(Venue, held[0])

    async with desk_at(tmp_path, wrap=wrap) as rig:
        await rig.trading.database.write(onto_a_test_network)
        await rig.trading.sync.reconcile_all()
        before = await is_open(rig)
        await fire(rig)
        await rig.settle()
        held[0].right = True
        await rig.trading.sync.reconcile_all()
        unlooked = await is_open(rig)
        rig.clock.advance(RIGHTS_EVERY_S + 1)
        rig.quote("63999.99", "64000.01")
        await rig.trading.sync.reconcile_all()
        refused, alerts = not await is_open(rig), await told(rig)
        shown = await preview_of(rig, await rig.mission(symbol="BTC/USDT"))
        asked = await rig.trading.ask_close(rig.actor(), "1", Decimal(1))
        assert asked.token is not None
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()
        left = await rig.read(lambda unit: trades.live(unit, terminal_id=TERMINAL))
        held[0].right = None
        await rig.trading.sync.reconcile_all()

        assert (before, unlooked, refused) == (True, True, True)
        assert alerts == [AlertCode.KEY_MAY_WITHDRAW.value]
        assert CheckCode.RECONCILED in {check.code for check in shown.checks if not check.passed}
        assert left == []
        assert await is_open(rig)
        assert await told(rig) == []


class Unoffered:
    """Asks an exchange whose test network lacks the address."""

    async def ask(self, *_: object) -> Reading:
        return Reading(result=None, believed=False, refusal=None, reason="NotSupported", call=Call(lane=Lane.READ))


async def test_a_test_network_without_the_question_cannot_tell() -> None:
    assert await may_withdraw(cast(Caller, Unoffered()), "binance") is None
