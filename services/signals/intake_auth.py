"""Who delivers an alert: a signature over the request, or the source's secret itself where that was allowed.

Signed is HMAC-SHA256 (RFC 2104) with the source's secret, in hex, over ``purpose``, timestamp, nonce and idempotency key, each
with a line feed behind it, and the body as it is. Every request costs the same comparison, whoever it claims to come from.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

import structlog

from config.keys import KeyFileError
from services.domain.sources import Source, SourceState
from services.signals.sources import Seals

log = structlog.get_logger()
SCHEME = "sha256="
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TIMESTAMP = re.compile(r"[0-9]{10}")
_MOST_OPENED = 128


class Purpose(StrEnum):
    """What a request is for; a signature for one is none for the other."""

    SIGNAL = "signal"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request as it came: the headers that sign it, or source and secret of its path. All of it is the sender's word."""

    purpose: Purpose
    body: bytes
    source: str = ""
    timestamp: str = ""
    nonce: str = ""
    signature: str = ""
    key: str = ""
    secret: str = ""

    @property
    def is_signed(self) -> bool:
        """Tell whether the request claims to be signed."""
        return bool(self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request was signed with, its shape checked and nothing else."""

    timestamp: int
    nonce: str


def sign(secret: str, purpose: Purpose, timestamp: str, nonce: str, key: str, body: bytes) -> str:
    """Return the signature of a request as its header carries it."""
    head = "".join(f"{part}\n" for part in (purpose.value, timestamp, nonce, key))
    # A header may hold bytes that are no text; they sign nothing, and must not stop the comparison either.
    signed = head.encode(errors="surrogateescape") + body
    return SCHEME + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def read_signature(delivery: Delivery) -> Signature | None:
    """Return timestamp and nonce of a signed request, or None where they have not the shape of any."""
    if not (_TIMESTAMP.fullmatch(delivery.timestamp) and _NONCE.fullmatch(delivery.nonce)):
        return None
    return Signature(timestamp=int(delivery.timestamp), nonce=delivery.nonce)


class Knows:
    """Tells whether a request comes from the source that it names."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._decoy = secrets.token_hex(16)
        self._opened: OrderedDict[tuple[str, str], str] = OrderedDict()

    def signed(self, source: Source | None, delivery: Delivery) -> bool:
        """Tell whether the source signed this request."""
        secret = self._secret_of(source)
        wanted = sign(secret or self._decoy, delivery.purpose, delivery.timestamp, delivery.nonce, delivery.key, delivery.body)
        fits = hmac.compare_digest(wanted.encode(), delivery.signature.encode(errors="surrogateescape"))
        return fits and secret is not None

    def shown(self, source: Source | None, secret: str) -> bool:
        """Tell whether this is the secret of a source that may show it."""
        wanted = self._secret_of(source)
        fits = hmac.compare_digest((wanted or self._decoy).encode(), secret.encode(errors="surrogatepass"))
        return fits and wanted is not None and source is not None and source.plain

    def _secret_of(self, source: Source | None) -> str | None:
        if source is None or source.state is SourceState.REMOVED:
            return None
        known = (source.name, source.sealed)
        if known not in self._opened:
            try:
                self._opened[known] = self._seals.unseal(*known)
            except KeyFileError as error:
                log.error("source.sealed", source=source.name, cause=error.cause)
                return None
            if len(self._opened) > _MOST_OPENED:
                self._opened.popitem(last=False)
        return self._opened[known]
