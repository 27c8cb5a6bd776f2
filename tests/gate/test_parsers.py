"""What people type is read or refused, whatever it is: no reader fails, and none takes long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.telegram.callbacks import read_button
from handlers.telegram.grants import read_grant, read_role, read_span
from handlers.telegram.views.grants import Picked
from services.access.authority import find_person, find_trade
from services.access.links import read_payload
from services.domain.errors import SortieError
from services.domain.limits import Limit, Scope
from services.domain.people import Role
from services.missions.call import parse_call
from services.missions.entries import parse_price, parse_wish
from services.missions.planning import find_mission
from services.risk.limit_changes import Target, read_value
from services.risk.limits import is_known
from services.storage.database import Unit
from tests.access.bench import CARL, AccessBench, person

EACH = 5_000
# What the readers know, what breaks numbers, and what is no text at all.
WORDS = (
    *("BTCUSDT", "long", "short", "sl", "tp", "stop", "rest", "maker", "trader", "commander", "cadet", "7d", "0m", "9999w"),
    *("per_trade", "person:1001", "desk", "strategy:trend", "off", "2%", "%", "pick", "a:b:c", "invite_", "claim_x", "m_"),
    *("0", "-1", "1e999999999", "1e-999999999", "9" * 40, "NaN", "sNaN", "Infinity", "-0", "1_0", "1,000", ".", "0x1", "1e"),
    *("²", "٣", "Ⅷ", "½", "İ", "ß", "\u200b", "\u202e", "\x00", "🟢", "{{ 7 * 7 }}", "' OR 1=1", "/halt", "@", "#", ""),
)
BETWEEN = (" ", "  ", "\t", "\n", ":", ",", ".", "", "_")


def _limit_value(text: str) -> object:
    return [read_value(Target(limit=each), text) for each in (Limit.PER_TRADE, Limit.INSTRUMENT_COOLDOWN_S)]


READERS: dict[str, Callable[[str], object]] = {
    "button": read_button,
    "call": parse_call,
    "entry": parse_wish,
    "grant": read_grant,
    "grant button": Picked.load,
    "lease": read_span,
    "limit": Target.read,
    "limit value": _limit_value,
    "link": read_payload,
    "price": parse_price,
    "role": read_role,
}


def typed(seed: int) -> list[str]:
    """Return texts made of known words, and texts of any characters."""
    dice = random.Random(seed)
    made = ["".join(dice.choice(WORDS) + dice.choice(BETWEEN) for _ in range(dice.randint(1, 6))) for _ in range(EACH)]
    wild = ["".join(chr(dice.randrange(0x3000)) for _ in range(dice.randint(0, 40))) for _ in range(EACH // 5)]
    return [*WORDS, *made, *wild]


LOOKED_UP: dict[str, Callable[[Unit, str], object]] = {
    "a mission": find_mission,
    "a person": find_person,
    "a person of a limit": lambda unit, text: is_known(unit, Scope.PERSON, text),
    "a trade": lambda unit, text: find_trade(unit, person(CARL), text),
}


@pytest.mark.parametrize("what", sorted(LOOKED_UP))
def test_whatever_is_named_is_found_or_not(what: str, tmp_path: Path) -> None:
    bench = AccessBench(tmp_path)
    bench.add(CARL, Role.COMMANDER)
    for text in WORDS:
        try:
            bench.database.read_now(lambda unit, text=text: LOOKED_UP[what](unit, text))
        except SortieError:
            continue
    asyncio.run(bench.database.close())


@pytest.mark.parametrize("name", sorted(READERS))
def test_whatever_is_typed_is_read_or_refused(name: str) -> None:
    failed = set()
    for text in typed(len(name)):
        try:
            READERS[name](text)
        except SortieError:
            continue
        except ValueError as error:
            # A button's data that is none of ours, which the router answers.
            if name != "button":
                failed.add(f"{type(error).__name__}: {text!r}")
        except Exception as error:  # noqa: BLE001 - any other failure is what is looked for
            failed.add(f"{type(error).__name__}: {text!r}")

    assert not failed, sorted(failed)[:10]
