"""The journal's last row kept as a fact: a chain that lost its end still verifies, but no longer holds the kept row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from services.domain.journal import JournalEntry
from services.storage import desk
from services.storage.counters import set_fact
from services.storage.database import Unit

FACT = "journal.head"


def keep_head(unit: Unit) -> None:
    """Keep the number and hash of the newest row."""
    head = desk.journal_head(unit)
    if head is not None:
        set_fact(unit, FACT, json.dumps({"sequence": head.sequence, "hash": head.hash}))


def lost_row(facts: Mapping[str, str], rows: Sequence[JournalEntry]) -> int | None:
    """Return the number of the kept row when an unbroken chain no longer holds it as it was."""
    if FACT not in facts:
        return None
    kept = json.loads(facts[FACT])
    sequence: int = kept["sequence"]
    return None if sequence <= len(rows) and rows[sequence - 1].hash == kept["hash"] else sequence
