"""What a trader's taps lead to, for tests that press buttons."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from services.domain.market import Instrument
from services.domain.people import Actor
from services.domain.signals import Mission
from services.missions.fire import FireOutcome
from services.storage import previews
from services.storage.database import Unit
from services.storage.previews import Preview
from services.storage.tables import instructions, tokens, trades
from tests.trading.rig import ANN, BTC, Rig


def counted(unit: Unit) -> dict[str, int]:
    """Count what a tap may leave behind."""
    tables = {"trades": trades, "instructions": instructions, "tokens": tokens}
    return {name: unit.first(select(func.count().label("n")).select_from(table)).n for name, table in tables.items()}


async def preview_of(rig: Rig, mission: Mission, *, person: int = ANN, size: str = "full") -> Preview:
    """Tap Fire and return what the trader is shown."""
    await rig.trading.preview(rig.actor(person), mission.id, size=size)
    shown: Preview = await rig.read(lambda unit: previews.find(unit, mission.id, person))
    return shown


async def confirm_token(rig: Rig, mission: Mission | None = None, *, person: int = ANN) -> str:
    """Return the token of the Confirm button of a mission, a fresh one unless given."""
    shown = await preview_of(rig, mission or await rig.mission(), person=person)
    assert shown.token_id is not None, [check for check in shown.checks if not check.passed]
    return shown.token_id


async def fire(rig: Rig, *, person: int = ANN) -> FireOutcome:
    """Tap Fire and Confirm."""
    token = await confirm_token(rig, person=person)
    return await rig.trading.fire(rig.actor(person), token)


def elsewhere(actor: Actor, chat_id: int) -> Actor:
    """Return the same person in another chat."""
    return replace(actor, chat_id=chat_id)


def instruments(count: int) -> tuple[Instrument, ...]:
    """Return so many instruments like BTC/USDT."""
    return tuple(replace(BTC, symbol=f"C{n:02d}/USDT", base=f"C{n:02d}") for n in range(count))
