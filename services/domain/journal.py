"""The append-only, hash-chained record of everything that changed and who did it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

GENESIS = "0" * 64
# The facts that keep a head beside the chain: as JSON by the watch over the stages, as ``sequence:hash`` by the digest.
HEAD_FACT = "journal.head"
DIGEST_FACT = "digest.journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One row: ``hash`` covers the row before it, so an edit, a gap or a re-order shows."""

    sequence: int
    at: datetime
    actor: str
    kind: str
    correlation: str
    facts: str
    previous: str
    hash: str


def encode_facts(facts: Mapping[str, object]) -> str:
    """Write facts as canonical JSON: sorted keys, no spaces, everything that is not plain as text."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)


def chain_hash(*, sequence: int, at: datetime, actor: str, kind: str, correlation: str, facts: str, previous: str) -> str:
    """Return the SHA-256 over the row's fields and the hash before it, as 64 hex digits."""
    body = json.dumps([sequence, at.isoformat(), actor, kind, correlation, facts, previous], ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def first_break(entries: list[JournalEntry], previous: str = GENESIS, sequence: int = 0) -> int | None:
    """Return the sequence number of the first row that does not follow from the one before, or None."""
    for entry in entries:
        expected = chain_hash(
            sequence=entry.sequence,
            at=entry.at,
            actor=entry.actor,
            kind=entry.kind,
            correlation=entry.correlation,
            facts=entry.facts,
            previous=previous,
        )
        if entry.sequence != sequence + 1 or entry.previous != previous or entry.hash != expected:
            return entry.sequence
        previous, sequence = entry.hash, entry.sequence
    return None
