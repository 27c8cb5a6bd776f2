"""A stored verdict as anyone can check it: its canonical values, their hash, and the journal's row that named the hash."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from services.domain.journal import JournalEntry, first_break
from services.domain.proofs import Proof, digest_of
from services.domain.typed import typed_number
from services.storage import desk, missions, previews, trades, verdicts
from services.storage.database import Unit
from services.storage.verdicts import StoredVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord:
    """``proof`` carries the hash of the rows as they stand; ``journalled`` is the one that the journal's ``row`` named.

    Both are None for a verdict of a desk that did not journal it, or whose row is gone; ``sound`` tells whether the row's
    own hash is right. ``shown`` marks what a preview showed: no row names it, and its hash was seen by whom it was shown to.
    """

    stored: StoredVerdict
    mission: int | None
    trade: int | None
    proof: Proof
    row: int | None
    journalled: str | None
    sound: bool
    shown: bool = False

    @property
    def holds(self) -> bool:
        """Tell whether the rows are those that the journal named."""
        return self.sound and self.journalled == self.proof.digest


def find_record(unit: Unit, reference: str) -> ProofRecord | None:
    """Return the verdict of a trade (number or id), of a verdict's id, or the last about a mission (``m12``), or None.

    ``p12`` is what the newest preview of that mission showed.
    """
    reference = reference.strip().lstrip("#")
    if reference[:1] in ("p", "P") and (number := typed_number(reference[1:])) is not None:
        return _shown(unit, number)
    stored = _find(unit, reference)
    return record_of(unit, stored) if stored is not None else None


def record_of(unit: Unit, stored: StoredVerdict) -> ProofRecord:
    """Put a verdict beside the journal's row about it."""
    mission = missions.find(unit, stored.mission_id)
    trade = trades.find(unit, stored.trade_id) if stored.trade_id is not None else None
    named = _named(unit, stored)
    facts = _facts(named) if named is not None else {}
    return ProofRecord(
        stored=stored,
        mission=mission.number if mission is not None else None,
        trade=trade.number if trade is not None else None,
        proof=Proof(body=stored.body, digest=digest_of(stored.body)),
        row=named.sequence if named is not None else None,
        journalled=str(facts["proof"]) if facts else None,
        sound=named is not None and first_break([named], named.previous, named.sequence - 1) is None,
    )


def _find(unit: Unit, reference: str) -> StoredVerdict | None:
    of_mission = reference[:1] in ("m", "M")
    number = typed_number(reference[1:] if of_mission else reference)
    if number is not None and of_mission:
        mission = missions.by_number(unit, number)
        return verdicts.newest_of_mission(unit, mission.id) if mission is not None else None
    if number is not None:
        trade = trades.by_number(unit, number)
        return verdicts.of_trade(unit, trade.id) if trade is not None else None
    return verdicts.of_trade(unit, reference) or verdicts.find(unit, reference)


def _shown(unit: Unit, number: int) -> ProofRecord | None:
    mission = missions.by_number(unit, number)
    body = previews.proof_of_mission(unit, mission.id) if mission is not None else None
    return replace(record_of(unit, verdicts.shown_verdict(body)), shown=True) if body is not None else None


def _named(unit: Unit, stored: StoredVerdict) -> JournalEntry | None:
    """Return the row that was committed with a verdict and names it."""
    for entry in desk.journal_at(unit, stored.verdict.decided_at):
        facts = _facts(entry)
        if facts.get("verdict") == stored.id and "proof" in facts:
            return entry
    return None


def _facts(entry: JournalEntry) -> dict[str, object]:
    try:
        found = json.loads(entry.facts)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
