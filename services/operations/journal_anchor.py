"""The journal's last row kept as a fact: a chain that lost its end still verifies, but no longer holds the kept row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from services.domain.errors import Misconfigured
from services.domain.journal import DIGEST_FACT, HEAD_FACT, JournalEntry
from services.storage import desk
from services.storage.counters import get_fact, set_fact
from services.storage.database import Unit


def keep_head(unit: Unit) -> None:
    """Keep the number and hash of the newest row."""
    head = desk.journal_head(unit)
    if head is not None:
        set_fact(unit, HEAD_FACT, json.dumps({"sequence": head.sequence, "hash": head.hash}))


def kept_heads(unit: Unit) -> list[tuple[str, int, str]]:
    """Return the heads that the desk keeps of itself: who keeps it, the row's number, and its hash.

    Raise Misconfigured for one that somebody damaged.
    """
    kept, digest = get_fact(unit, HEAD_FACT), get_fact(unit, DIGEST_FACT)
    try:
        heads = []
        if digest is not None:
            sequence, _, hashed = digest.partition(":")
            heads.append(("the last digest", int(sequence), hashed))
        if kept is not None:
            row = json.loads(kept)
            heads.append(("the watch over the stages", int(row["sequence"]), str(row["hash"])))
    except (ValueError, KeyError, TypeError) as error:
        fix = f"look at the facts {HEAD_FACT} and {DIGEST_FACT}, then pass a head of a digest with --head"
        raise Misconfigured("JOURNAL_HEAD", reason="a kept head is damaged", fix=fix) from error
    return heads


def lost_row(facts: Mapping[str, str], rows: Sequence[JournalEntry]) -> int | None:
    """Return the number of the kept row when an unbroken chain no longer holds it as it was."""
    if HEAD_FACT not in facts:
        return None
    kept = json.loads(facts[HEAD_FACT])
    sequence: int = kept["sequence"]
    return None if sequence <= len(rows) and rows[sequence - 1].hash == kept["hash"] else sequence
