"""What people at the chat are doing when the desk dies: the tap or the moment, and how it may end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import func, select

from services.domain.halts import HaltScope
from services.domain.money import Quantity
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType
from services.domain.people import Role
from services.domain.states import TradeState
from services.storage import halts, kills, people, trades
from services.storage.database import Unit
from services.storage.tables import chats, journal, proposals
from tests.chat.rig import ANN, CARL, CORA, GROUP, SAM, TOM
from tests.crash.wholedesk import CALM, WholeDesk

Step = Callable[[WholeDesk], Awaitable[None]]
Check = Callable[[WholeDesk], Awaitable[list[str]]]
ACCOUNT = f"paper-{ANN}"
ACCOUNTS = (ACCOUNT, f"paper-{TOM}")
NIGHT_SHIFT = "Night shift"
DIGEST = " · since "
CONFIRMATIONS = {"Adopt": "is kept as a holding", "Close": "Sell 0.01 BTC at market.", "Ignore": "counted beside the trades"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """``prepare`` leads to the moment, ``act`` is what is interrupted, ``check`` names what may not be so at the end.

    The desk is back ``away_s`` seconds after it died. ``leave`` happens at the venue or in the chat just before the desk is
    gone; with ``from_start`` the start is part of the act. ``at`` is when the act begins, ``price`` the market from then on.
    ``ours`` is false where others have orders at the venue, too, so that the books are compared by the ten checks alone.
    """

    name: str
    prepare: Step
    act: Step
    check: Check
    leave: Step | None = None
    from_start: bool = False
    away_s: float = 3
    at: datetime | None = None
    price: tuple[str, str] = CALM
    ours: bool = True


async def nothing(_desk: WholeDesk) -> None:
    """Let only the stages work."""


async def a_day_before(desk: WholeDesk) -> None:
    """Leave a trade that was closed: material for each of the ten checks."""
    await opened(desk)
    await desk.press(ANN, "Close")
    await desk.sees(ANN, "at market?")
    await desk.press(ANN, "Close")
    await desk.sees(ANN, "closed at market")


async def previewed(desk: WholeDesk) -> None:
    """Have an open mission and Ann's preview of it."""
    await offered(desk)
    await desk.press(ANN, "Fire")
    await desk.sees(ANN, "good until")


async def offered(desk: WholeDesk) -> None:
    """Have a mission on its card."""
    mission = await desk.mission()
    await desk.sees(ANN, f"· #{mission.number} · PAPER\n")


async def opened(desk: WholeDesk) -> None:
    """Have an open, protected trade."""
    await previewed(desk)
    await desk.press(ANN, "Confirm")
    await desk.sees(ANN, "at the venue")


async def pressed(label: str, desk: WholeDesk) -> None:
    """Let Ann press a button."""
    await desk.press(ANN, label)


async def ordered(label: str, person: int, desk: WholeDesk) -> None:
    """Let somebody press a button."""
    await desk.press(person, label)


async def said(person: int, text: str, desk: WholeDesk) -> None:
    """Let somebody say something."""
    desk.line.say(person, text)


async def closed(label: str, confirmed: str, desk: WholeDesk) -> None:
    """Let Ann close what is open, or half of it."""
    await desk.press(ANN, label)
    await desk.sees(ANN, "at market?")
    await desk.press(ANN, confirmed)


async def tightened(desk: WholeDesk) -> None:
    """Let Ann move the stop closer, from its menu."""
    await desk.press(ANN, "Move stop")
    await desk.press(ANN, "−0.5 R")


async def moved(bid: str, ask: str, desk: WholeDesk) -> None:
    """Let the market move."""
    await desk.price(bid, ask)


async def knocked(desk: WholeDesk) -> None:
    """Have a stranger's request before the commanders."""
    desk.line.say(SAM, "/start")
    await desk.sees(CARL, "asks for access")


async def wanted(desk: WholeDesk) -> None:
    """Have a stranger's request that one commander has said yes to already."""
    await knocked(desk)
    await desk.press(CORA, "Grant")
    await desk.sees(CARL, "asked by")


async def invited(desk: WholeDesk) -> None:
    """Have a new group that a commander is asked about."""
    desk.line.request("found_group", NIGHT_SHIFT, ANN, CARL)
    await desk.sees(CARL, "may the desk speak there?")


async def resting(desk: WholeDesk) -> None:
    """Have an entry that rests below the market."""
    mission = await desk.mission()
    await desk.sees(ANN, f"· #{mission.number} · PAPER\n")
    desk.line.say(ANN, f"/fire {mission.number} rest 63500")
    await desk.sees(ANN, "rests at")
    await desk.press(ANN, "Confirm")
    await desk.sees(ANN, "nothing filled yet")


async def asked_for(desk: WholeDesk) -> None:
    """Have a trade of Ann's that waits for somebody else's yes."""
    await previewed(desk)
    await desk.press(ANN, "2.0× max")
    await desk.sees(ANN, "risk 1.00 %")
    await desk.press(ANN, "Confirm")
    await desk.sees(CARL, "Ann asks")


async def held_and_resting(desk: WholeDesk) -> None:
    """Have Ann's open trade, and an entry of Tom's that rests below the market."""
    await opened(desk)
    mission = await desk.mission()
    await desk.sees(TOM, f"· #{mission.number} · PAPER\n")
    desk.line.say(TOM, f"/fire {mission.number} rest 63500")
    await desk.sees(TOM, "rests at")
    await desk.press(TOM, "Confirm")
    await desk.sees(TOM, "nothing filled yet")


async def flattened(desk: WholeDesk) -> None:
    """Let a commander halt, take everything back, and sell what is open."""
    desk.line.say(CARL, "/kill flatten")
    await desk.sees(CARL, "Sell all 1 position")
    await desk.press(CARL, "Flatten")


async def bought_by_hand(desk: WholeDesk) -> None:
    """Let Ann's account buy past the desk."""
    order = OrderRequest(
        client_id=desk.graph.ids.instruction(),
        symbol="BTC/USDT",
        side=OrderSide.BUY,
        type=OrderType.MARKET,
        role=OrderRole.FOREIGN,
        quantity=Quantity(Decimal("0.01")),
        price=None,
    )
    await desk.trading.paper.place(ACCOUNT, order)


async def stop_lost(desk: WholeDesk) -> None:
    """Take the stop away at the venue, past the desk, and say things that nobody hears any more."""
    working = await desk.trading.paper.open_orders(ACCOUNT)
    names = [order.client_id or "" for order in working if order.stop_price is not None]
    await desk.trading.paper.cancel(ACCOUNT, "BTC/USDT", names)
    desk.line.say(CARL, "/whoami")


async def asked_about(desk: WholeDesk) -> None:
    """Have a purchase past the desk, and the question about it before Ann."""
    await bought_by_hand(desk)
    await desk.sees(ANN, "not ours: bought")


async def answered(label: str, desk: WholeDesk) -> None:
    """Let Ann answer the question in two taps, or three where a reason is asked for."""
    await desk.press(ANN, label)
    if label == "Ignore":
        await desk.press(ANN, "mine, leave it")
    await desk.sees(ANN, CONFIRMATIONS[label])
    await desk.press(ANN, label)


async def digest_due(desk: WholeDesk) -> None:
    """Let it become the time of the digest."""
    await asyncio.sleep(5)
    await desk.sees(ANN, DIGEST)


def trade_ends(*states: TradeState | None) -> Check:
    """Return a check of the state of the trade that the act was about, the second after the day before."""

    async def check(desk: WholeDesk) -> list[str]:
        trade = await desk.read(lambda unit: trades.by_number(unit, 2))
        state = trade.state if trade is not None else None
        return [] if state in states else [f"the trade ended {state}, not as one of {states}"]

    return check


def once(*kinds: str) -> Check:
    """Return a check that something was journalled at most once."""

    async def check(desk: WholeDesk) -> list[str]:
        def count(unit: Unit) -> list[int]:
            rows = [unit.first(select(func.count().label("n")).where(journal.c.kind == kind)) for kind in kinds]
            return [row.n for row in rows]

        counts = await desk.read(count)
        return [f"{kind} happened {n} times" for kind, n in zip(kinds, counts, strict=True) if n > 1]

    return check


def all_of(*checks: Check) -> Check:
    """Return a check of several things."""

    async def check(desk: WholeDesk) -> list[str]:
        return [problem for each in checks for problem in await each(desk)]

    return check


async def role_or_nothing(desk: WholeDesk) -> list[str]:
    """Sam is a trader with a welcome and a terminal, or a stranger with neither."""
    sam = await desk.read(lambda unit: people.find(unit, SAM))
    welcomed = any("You are trader" in text for text in desk.line.texts(SAM))
    trader = sam is not None and sam.role is Role.TRADER
    return [] if trader == welcomed else [f"Sam is {sam.role if sam else None} and was welcomed: {welcomed}"]


async def halted(desk: WholeDesk) -> list[str]:
    """A halt always happens, the kill behind it comes to its end, and no entry is left at any venue."""
    halt = await desk.read(lambda unit: halts.find(unit, HaltScope.DESK, halts.DESK))
    kill = await desk.read(kills.newest)
    working = [order for account in ACCOUNTS for order in await desk.trading.paper.open_orders(account)]
    entries = [order.client_id for order in working if order.side is OrderSide.BUY]
    found = [] if halt is not None and kill is not None else ["the halt was lost"]
    if kill is not None and (kill.working or kill.leftovers):
        found.append(f"the kill is {kill.state}, with {kill.leftovers}")
    return found + [f"entries still work: {entries}"] * bool(entries)


async def sold_or_asked(desk: WholeDesk) -> list[str]:
    """What a confirmed flatten was about is sold, once; what was only asked about is still there."""
    kill = await desk.read(kills.newest)
    positions = await desk.trading.paper.positions(ACCOUNT)
    flat = not [position for position in positions if position.quantity]
    return [] if kill is not None and kill.flatten == flat else [f"the kill is {kill} and the positions are {positions}"]


async def digest_told(desk: WholeDesk) -> list[str]:
    """Each chat has the day's digest, in one message."""
    chats_of = {person: desk.line.texts(person, chat) for person, chat in ((ANN, ANN), (CARL, CARL), (CARL, GROUP))}
    counts = {chat: sum(DIGEST in text for text in texts) for chat, texts in chats_of.items()}
    return [f"{chat} has {count} digests" for chat, count in counts.items() if not 1 <= count <= 2]


async def decided_once(desk: WholeDesk) -> list[str]:
    """A question was decided or still waits for its answer; it was not forgotten."""
    rows = await desk.read(lambda unit: unit.all(select(proposals.c.state)))
    return [] if len(rows) == 1 else [f"there are {len(rows)} questions about one purchase"]


async def group_known(desk: WholeDesk) -> list[str]:
    """The group is approved and a commander was told so, or the question still stands."""
    rows = await desk.read(lambda unit: unit.all(select(chats.c.state).where(chats.c.title == NIGHT_SHIFT)))
    return [] if [row.state for row in rows] in (["approved"], ["asked"]) else [f"the group is {rows}"]


_OPEN, _CLOSED, _WORKING = TradeState.OPEN, TradeState.CLOSED, TradeState.WORKING
_FAILED, _CANCELED = TradeState.FAILED, TradeState.CANCELED
_WAITING, _DENIED = TradeState.AWAITING_APPROVAL, TradeState.DENIED
_DIGEST_AT = datetime.fromisoformat("2026-11-20T16:59:57+00:00")
_FIRED = trade_ends(None, _OPEN, _FAILED, _CANCELED)
_CLOSE_TOO = trade_ends(_OPEN, _CLOSED)

SPOKEN = (
    Spoken(name="fire-tap", prepare=offered, act=partial(pressed, "Fire"), check=trade_ends(None)),
    Spoken(name="fire-and-protect", prepare=previewed, act=partial(pressed, "Confirm"), check=_FIRED),
    Spoken(
        name="fire-and-stay-away",
        prepare=previewed,
        act=partial(pressed, "Confirm"),
        check=_FIRED,
        away_s=60,
    ),
    Spoken(
        name="grant-access",
        prepare=wanted,
        act=partial(ordered, "Approve", CARL),
        check=all_of(role_or_nothing, once("people.granted")),
    ),
    Spoken(name="approve-a-chat", prepare=invited, act=partial(ordered, "Approve", CARL), check=group_known),
    Spoken(
        name="decide-adopt",
        prepare=asked_about,
        act=partial(answered, "Adopt"),
        check=all_of(decided_once, once("proposal.decided")),
        ours=False,
    ),
    Spoken(
        name="decide-close",
        prepare=asked_about,
        act=partial(answered, "Close"),
        check=all_of(decided_once, once("proposal.decided")),
        ours=False,
    ),
    Spoken(
        name="decide-ignore",
        prepare=asked_about,
        act=partial(answered, "Ignore"),
        check=all_of(decided_once, once("proposal.decided")),
        ours=False,
    ),
    Spoken(
        name="target",
        prepare=opened,
        act=partial(moved, "66100.00", "66100.02"),
        check=trade_ends(_OPEN),
        price=("66100.00", "66100.02"),
    ),
    Spoken(
        name="stop",
        prepare=opened,
        act=partial(moved, "62900.00", "62900.02"),
        check=trade_ends(_CLOSED),
        price=("62900.00", "62900.02"),
    ),
    Spoken(
        name="replace",
        prepare=opened,
        act=tightened,
        check=all_of(trade_ends(_OPEN), once("stop.moved")),
    ),
    Spoken(
        name="half-close",
        prepare=opened,
        act=partial(closed, "Half", "Close half"),
        check=trade_ends(_OPEN),
    ),
    Spoken(name="full-close", prepare=opened, act=partial(closed, "Close", "Close"), check=_CLOSE_TOO),
    Spoken(name="cancel-entry", prepare=resting, act=partial(pressed, "Cancel"), check=trade_ends(_WORKING, _CANCELED)),
    Spoken(
        name="approve-a-trade",
        prepare=asked_for,
        act=partial(ordered, "Approve", CARL),
        check=all_of(trade_ends(_WAITING, _OPEN, _FAILED, _CANCELED, _DENIED), once("approval.approved", "trade.working")),
    ),
    Spoken(name="halt", prepare=resting, act=partial(said, CARL, "/halt the wheel came off"), check=halted),
    Spoken(
        name="kill",
        prepare=held_and_resting,
        act=partial(said, TOM, "/kill the wheel came off"),
        check=all_of(halted, trade_ends(_OPEN)),
        ours=False,
    ),
    Spoken(name="flatten", prepare=opened, act=flattened, check=all_of(halted, sold_or_asked, _CLOSE_TOO)),
    Spoken(
        name="reconcile",
        prepare=opened,
        leave=stop_lost,
        act=nothing,
        check=trade_ends(_OPEN),
        from_start=True,
    ),
    Spoken(name="start-up", prepare=opened, act=nothing, check=trade_ends(_OPEN), from_start=True),
    Spoken(name="digest", prepare=opened, act=digest_due, check=digest_told, at=_DIGEST_AT),
)
