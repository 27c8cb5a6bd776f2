"""What makes a verdict provable: one canonical form of everything that was decided on, and its SHA-256.

Anyone can recompute it: the hash is over the JSON of the proof with sorted keys, no spaces and no escapes, in UTF-8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = "sortie-proof-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A verdict's inputs, checks and terms as plain values; ``digest`` is the hash that goes with them, as somebody kept it."""

    body: Mapping[str, object]
    digest: str

    @property
    def holds(self) -> bool:
        """Tell whether the hash is that of the values."""
        return digest_of(self.body) == self.digest


def canonical_bytes(body: Mapping[str, object]) -> bytes:
    """Return the one form over which a proof is hashed; raise ValueError for what is no finite plain value."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(body: Mapping[str, object]) -> str:
    """Return a proof's SHA-256 as 64 hex digits."""
    return hashlib.sha256(canonical_bytes(body)).hexdigest()


def write_document(proof: Proof) -> dict[str, object]:
    """Return the proof as a file of its own."""
    return {"format": FORMAT, "sha256": proof.digest, "proof": dict(proof.body)}


def read_document(text: str) -> Proof:
    """Read a proof from its file; raise ValueError when it is none."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"not a {FORMAT} document")
    body, digest = found.get("proof"), found.get("sha256")
    if not isinstance(body, dict) or not isinstance(digest, str):
        raise ValueError("a proof needs its values and its sha256")
    return Proof(body=body, digest=digest)
