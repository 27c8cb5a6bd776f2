"""Proposals: differences that wait for a person's decision."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from services.domain.money import ZERO, Price, canonical
from services.domain.proposals import (
    PROPOSAL_MOVES,
    UNDECIDED,
    Answer,
    Evidence,
    Proposal,
    ProposalKind,
    ProposalState,
)
from services.domain.states import move
from services.storage.database import Unit
from services.storage.tables import proposals

_WAITING = proposals.c.state.in_([state.value for state in UNDECIDED])
_ROW = insert(proposals)
_BY_ID = select(proposals).where(proposals.c.id == bindparam("proposal"))
_CHANGE = update(proposals).where(proposals.c.id == bindparam("proposal"))
_OPEN = select(proposals).where(_WAITING).order_by(proposals.c.created_at, proposals.c.id)
_OPEN_AT = _OPEN.where(proposals.c.terminal_id == bindparam("terminal"))
_COUNT = (
    select(func.count().label("n"))
    .select_from(proposals)
    .where(_WAITING, proposals.c.terminal_id == bindparam("terminal"), proposals.c.symbol == bindparam("instrument"))
)
_SAME = (
    select(proposals)
    .where(
        proposals.c.terminal_id == bindparam("terminal"),
        proposals.c.kind == bindparam("kind"),
        proposals.c.subject == bindparam("subject"),
    )
    .order_by(proposals.c.created_at.desc(), proposals.c.id.desc())
    .limit(1)
)
_ALL_AT = select(proposals).where(proposals.c.terminal_id == bindparam("terminal"))


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _written(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)


def _dump(proposal: Proposal) -> dict[str, Any]:
    evidence = proposal.evidence
    return {
        "quantity": canonical(evidence.quantity),
        "desk": _written(evidence.desk),
        "venue": _written(evidence.venue),
        "price": _written(evidence.price),
        "fills": list(evidence.fills),
        "order": evidence.order,
        "order_text": evidence.order_text,
        "instruction": proposal.instruction,
        "closed": canonical(proposal.closed),
        "moved": canonical(proposal.moved),
    }


def _evidence(facts: dict[str, Any]) -> Evidence:
    price = _amount(facts["price"])
    return Evidence(
        quantity=Decimal(facts["quantity"]),
        desk=_amount(facts["desk"]),
        venue=_amount(facts["venue"]),
        price=None if price is None else Price(price),
        fills=tuple(facts["fills"]),
        order=facts["order"],
        order_text=facts["order_text"],
    )


def _proposal(row: Any) -> Proposal:
    return Proposal(
        id=row.id,
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        kind=ProposalKind(row.kind),
        subject=row.subject,
        evidence=_evidence(row.facts),
        state=ProposalState(row.state),
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        answer=Answer(row.answer) if row.answer else None,
        reason=row.reason,
        instruction=row.facts["instruction"],
        closed=Decimal(row.facts["closed"]),
        moved=Decimal(row.facts["moved"]),
    )


def add(unit: Unit, proposal: Proposal) -> None:
    """Store a fresh proposal."""
    unit.run(
        _ROW,
        {
            "id": proposal.id,
            "terminal_id": proposal.terminal_id,
            "symbol": proposal.symbol,
            "kind": proposal.kind.value,
            "subject": proposal.subject,
            "facts": _dump(proposal),
            "state": proposal.state.value,
            "created_at": proposal.created_at,
            "decided_at": None,
            "decided_by": None,
            "answer": None,
            "reason": None,
        },
    )


def save(unit: Unit, before: Proposal, after: Proposal) -> Proposal:
    """Store what became of a proposal; its state changes by a listed move. Return it as stored."""
    if after.state is not before.state:
        move(PROPOSAL_MOVES, before.state, after.state)
        after = replace(after, decided_at=None if after.state in UNDECIDED else unit.now)
    values = {
        "proposal": after.id,
        "facts": _dump(after),
        "state": after.state.value,
        "decided_at": after.decided_at,
        "decided_by": after.decided_by,
        "answer": after.answer.value if after.answer else None,
        "reason": after.reason,
    }
    unit.run(_CHANGE, values)
    return after


def find(unit: Unit, proposal_id: str) -> Proposal | None:
    """Return a proposal, or None."""
    row = unit.first(_BY_ID, proposal=proposal_id)
    return _proposal(row) if row else None


def latest(unit: Unit, terminal_id: str, kind: ProposalKind, subject: str) -> Proposal | None:
    """Return the newest proposal of a kind about a subject, decided or not."""
    row = unit.first(_SAME, terminal=terminal_id, kind=kind.value, subject=subject)
    return _proposal(row) if row else None


def waiting(unit: Unit, terminal_id: str | None = None) -> list[Proposal]:
    """Return what is not decided, oldest first."""
    rows = unit.all(_OPEN) if terminal_id is None else unit.all(_OPEN_AT, terminal=terminal_id)
    return [_proposal(row) for row in rows]


def count_waiting(unit: Unit, terminal_id: str, symbol: str) -> int:
    """Count what is not decided about an instrument of a terminal."""
    return int(unit.first(_COUNT, terminal=terminal_id, instrument=symbol).n)


def closed_by(unit: Unit, terminal_id: str, instruction_id: str) -> Proposal | None:
    """Return the proposal that an instruction closes, waiting or over, or None."""
    found = (_proposal(row) for row in unit.all(_ALL_AT, terminal=terminal_id))
    return next((each for each in found if each.instruction == instruction_id), None)


def moved(unit: Unit, terminal_id: str) -> dict[str, Decimal]:
    """Return by symbol what decisions added to the terminal's positions without a fill, signed."""
    sums: dict[str, Decimal] = {}
    for proposal in (_proposal(row) for row in unit.all(_ALL_AT, terminal=terminal_id)):
        sums[proposal.symbol] = sums.get(proposal.symbol, ZERO) + proposal.moved
    return sums
