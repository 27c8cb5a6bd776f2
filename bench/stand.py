"""A desk with people, open missions and previews, prepared through its front door, for taps to land on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from aiogram.filters.callback_data import CallbackData

from bench.chat import GROUP, Chat
from bench.desk import Desk
from bench.load import post_at_rate
from bench.programs import BenchError
from bench.settling import until
from handlers.telegram.callbacks import ActButton, MissionButton, MissionVerb
from services.domain.buttons import Act
from services.domain.cards import mission_card, preview_card
from services.domain.notices import Priority

# Bounds that let every prepared tap fire: far stops, long lives and room for a position on every instrument. A private chat has
# no pace, as the bare bot has none.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "telegram": {"chat_per_minute": 100_000},
    "signals": {"min_score": 100, "expiry_bars": 200, "offers_per_hour": 1000, "offers_per_day": 1000},
    "risk": {"open_positions": 50, "daily_loss": 1, "collar_share": 1, "collar_cap_bps": 10_000, "confirm_s": 3600},
}
STOP_SHARE = Decimal("0.2")
PREVIEWS_A_SECOND = 40
PREPARE_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A press that is ready to be made."""

    person: int
    chat_id: int
    message_id: int
    data: str
    mission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A mission that is open, and its card in the group."""

    id: str
    symbol: str
    side: str
    message_id: int

    def tap(self, person: int, verb: MissionVerb) -> Tap:
        """Return the press of one of the card's buttons."""
        return _tap(person, GROUP, self.message_id, MissionButton(verb=verb, mission=self.id), self.id)


def acts_of(chat: Chat, taps: Sequence[Tap]) -> list[Any]:
    """Return the presses as calls that are not made yet."""
    return [partial(chat.press, tap.person, tap.chat_id, tap.message_id, tap.data) for tap in taps]


def keep_offers_in_group(state: Path, traders: Sequence[int]) -> None:
    """Store for everyone that they want no missions in private, as `/notify mission off` does."""
    with closing(sqlite3.connect(state / "sortie.db", timeout=10)) as connection, connection:
        rows = [(person, "mission", "off") for person in traders]
        connection.executemany("INSERT INTO preferences (person_id, event, loudness) VALUES (?, ?, ?)", rows)


async def open_missions(chat: Chat, desk: Desk, caller: int, sides: Sequence[str] = ("long", "short")) -> list[Offered]:
    """Call every instrument on each side with far stops, and wait until the group shows the cards."""
    prices = await chat.prices()
    for symbol, side in product(sorted(prices), sides):
        price = prices[symbol]
        away = STOP_SHARE * price * (1 if side == "long" else -1)
        await chat.say(caller, f"/call {symbol} {side} sl {price - away:f} tp {price + away:f}")
    wanted = len(sides) * len(prices)
    await until("the missions", lambda: len(_offered(desk)) == wanted, PREPARE_S)
    await until_quiet(desk)
    return _offered(desk)


async def open_previews(chat: Chat, desk: Desk, pairs: Sequence[tuple[int, Offered]]) -> list[Tap]:
    """Press Fire for each person and mission, wait until everyone sees the preview, and return the presses of Confirm."""
    await post_at_rate(acts_of(chat, [mission.tap(person, MissionVerb.FIRE) for person, mission in pairs]), PREVIEWS_A_SECOND)
    wanted = {(mission.id, person) for person, mission in pairs}
    await until("the previews", lambda: wanted <= _previews(desk).keys(), PREPARE_S)
    await until_quiet(desk)
    rows = _previews(desk)
    shown = {(row["key"], row["chat_id"]): row["message_id"] for row in desk.rows("SELECT key, chat_id, message_id FROM cards")}
    taps = []
    for person, mission in pairs:
        row = rows[mission.id, person]
        if row["token_id"] is None:
            raise BenchError(f"the gate refused a prepared preview: {row['checks']}")
        message_id = shown[preview_card(mission.id, person), person]
        button = ActButton(act=Act.CONFIRM_FIRE, token=row["token_id"])
        taps.append(_tap(person, person, message_id, button, mission.id))
    return taps


def _previews(desk: Desk) -> dict[tuple[str, int], sqlite3.Row]:
    return {(row["mission_id"], row["person_id"]): row for row in desk.rows("SELECT * FROM previews")}


async def until_quiet(desk: Desk) -> None:
    """Wait until nothing waits to be sent; the prices on open trades' cards change for ever and do not count."""

    def quiet() -> bool:
        cards = desk.count("SELECT count(*) FROM cards WHERE stale AND priority < ?", Priority.BULK)
        return not cards and not desk.count("SELECT count(*) FROM notices WHERE state = 'pending'")

    await until("an empty outbox", quiet, PREPARE_S)


def _offered(desk: Desk) -> list[Offered]:
    cards = {row["key"]: row["message_id"] for row in desk.rows("SELECT key, message_id FROM cards WHERE chat_id = ?", GROUP)}
    return [
        Offered(id=row["id"], symbol=row["symbol"], side=row["side"], message_id=cards[mission_card(row["id"])])
        for row in desk.rows("SELECT id, symbol, side FROM missions WHERE state = 'open' ORDER BY number")
        if cards.get(mission_card(row["id"])) is not None
    ]


def _tap(person: int, chat_id: int, message_id: int, button: CallbackData, mission: str) -> Tap:
    return Tap(person=person, chat_id=chat_id, message_id=message_id, data=button.pack(), mission=mission)
