"""Previews: what a trader was shown before the confirming tap, or why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from services.domain.money import Price, Quantity
from services.domain.verdicts import Check
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import previews
from services.storage.verdicts import dump_checks, load_checks

_ONE = (previews.c.mission_id == bindparam("mission"), previews.c.person_id == bindparam("person"))
_FIND = select(previews).where(*_ONE)
_PROOF = (
    select(previews.c.proof)
    .where(previews.c.mission_id == bindparam("mission"), previews.c.proof.is_not(None))
    .order_by(previews.c.at.desc())
    .limit(1)
)
_CHANGE = update(previews).where(*_ONE)


class PreviewState(StrEnum):
    """Whether the preview can be confirmed."""

    OPEN = "open"
    REFUSED = "refused"
    FIRED = "fired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One trader's look at one mission: sizes in base units, ``loss`` at the stop with costs in the quote currency.

    ``route`` is how it would be entered: ``how``, the price waited for, and the kinds that the terminal takes. ``proof`` is all
    that the verdict shown was made from; a preview of an older desk has none.
    """

    mission_id: str
    person_id: int
    terminal_id: str
    state: PreviewState
    token_id: str | None
    size: str
    quantity: Quantity
    half: Quantity
    full: Quantity
    largest: Quantity
    decision_price: Price
    worst_price: Price
    loss: Decimal
    equity: Decimal | None
    checks: tuple[Check, ...]
    note: str
    good_until: datetime
    route: Mapping[str, str] | None = None
    proof: Mapping[str, object] | None = None


def save(unit: Unit, preview: Preview) -> None:
    """Store what is shown now; the former preview of the same mission is replaced."""
    upsert(
        unit,
        previews,
        {"mission_id": preview.mission_id, "person_id": preview.person_id},
        {
            "terminal_id": preview.terminal_id,
            "state": preview.state.value,
            "token_id": preview.token_id,
            "size": preview.size,
            "quantity": preview.quantity,
            "half": preview.half,
            "full": preview.full,
            "largest": preview.largest,
            "decision_price": preview.decision_price,
            "worst_price": preview.worst_price,
            "loss": preview.loss,
            "equity": preview.equity,
            "checks": dump_checks(preview.checks),
            "note": preview.note,
            "good_until": preview.good_until,
            "route": dict(preview.route) if preview.route is not None else None,
            "proof": dict(preview.proof) if preview.proof is not None else None,
            "at": unit.now,
        },
    )


def find(unit: Unit, mission_id: str, person_id: int) -> Preview | None:
    """Return the preview as it was last shown, or None."""
    row = unit.first(_FIND, mission=mission_id, person=person_id)
    if row is None:
        return None
    return Preview(
        mission_id=row.mission_id,
        person_id=row.person_id,
        terminal_id=row.terminal_id,
        state=PreviewState(row.state),
        token_id=row.token_id,
        size=row.size,
        quantity=row.quantity,
        half=row.half,
        full=row.full,
        largest=row.largest,
        decision_price=row.decision_price,
        worst_price=row.worst_price,
        loss=row.loss,
        equity=row.equity,
        checks=load_checks(row.checks),
        note=row.note,
        good_until=row.good_until,
        route=row.route,
        proof=row.proof,
    )


def proof_of_mission(unit: Unit, mission_id: str) -> Mapping[str, object] | None:
    """Return what the newest preview of a mission was made from, whoever it was shown to, or None."""
    row = unit.first(_PROOF, mission=mission_id)
    return row.proof if row is not None else None


def forget(unit: Unit, mission_id: str, person_id: int) -> None:
    """Forget a preview that was put away; its Confirm finds nothing to stand on."""
    unit.run(delete(previews).where(previews.c.mission_id == mission_id, previews.c.person_id == person_id))


def set_state(unit: Unit, mission_id: str, person_id: int, state: PreviewState) -> None:
    """Set whether the preview can still be confirmed."""
    unit.run(_CHANGE, {"mission": mission_id, "person": person_id, "state": state.value})
