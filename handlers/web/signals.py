"""`/v1/signals`: a request becomes a delivery, what became of it an answer in JSON with a code."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from services.domain.money import canonical
from services.domain.signals import Signal
from services.domain.sources import TurnedAway
from services.signals.intake import Outcome, Received, Turned
from services.signals.intake_auth import Delivery, Purpose
from services.signals.intake_call import Told

MOST_BODY = 16_384
SIGNALS, TEST = "/v1/signals", "/v1/signals/test"
SOURCE, TIMESTAMP, NONCE, SIGNATURE = "Sortie-Source", "Sortie-Timestamp", "Sortie-Nonce", "Sortie-Signature"
KEY = "Idempotency-Key"
# A source's name and its secret, behind the address, for senders that can neither sign nor change their text.
_SHOWN = re.compile(re.escape(SIGNALS) + r"/([a-z][a-z0-9-]{0,23})/([A-Za-z0-9_-]{16,128})")

MEANINGS: Mapping[TurnedAway, tuple[int, str]] = {
    TurnedAway.NO_PATH: (404, f"alerts go to {SIGNALS}, or to {TEST} to see what would become of one"),
    TurnedAway.ONLY_POST: (405, "alerts are posted"),
    TurnedAway.NOT_SIGNED: (401, "sign the request, or give source and secret where the source may show its secret"),
    TurnedAway.NOT_KNOWN: (401, "no source of this name, not its secret, or not its signature"),
    TurnedAway.CLOCK: (401, "the timestamp is too far from the desk's clock: set the sender's clock"),
    TurnedAway.REPLAYED: (409, "this very request came before: sign each try anew, with the same Idempotency-Key"),
    TurnedAway.KEY_REUSED: (409, "another alert came under this id: give each alert its own"),
    TurnedAway.MALFORMED: (422, "the body is no alert: correct what the detail names"),
    TurnedAway.TOO_LARGE: (413, f"a body has at most {MOST_BODY} bytes"),
    TurnedAway.ENCODED: (415, "send the body as it is, without a Content-Encoding"),
    TurnedAway.TOO_MANY: (429, "this source sends too often: wait a minute"),
    TurnedAway.BUSY: (503, "not now: try again with the same Idempotency-Key; it counts once"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAnswer:
    """An HTTP status with a JSON body; ``again_s`` is when to try again, where that helps."""

    status: int
    body: bytes
    again_s: int | None = None


Receive = Callable[[Delivery], Awaitable[Outcome]]


def is_ours(path: str) -> bool:
    """Tell whether a path belongs to outside signals."""
    return path == SIGNALS or path.startswith(f"{SIGNALS}/")


def is_taken(path: str) -> bool:
    """Tell whether alerts are taken at a path."""
    return path in (SIGNALS, TEST) or _SHOWN.fullmatch(path) is not None


def delivery_of(path: str, headers: Mapping[str, str], body: bytes) -> Delivery:
    """Return what a request to a path where alerts are taken delivers."""
    shown = _SHOWN.fullmatch(path)
    return Delivery(
        purpose=Purpose.TEST if path == TEST else Purpose.SIGNAL,
        body=body,
        source=shown[1] if shown is not None else headers.get(SOURCE, ""),
        timestamp=headers.get(TIMESTAMP, ""),
        nonce=headers.get(NONCE, ""),
        signature=headers.get(SIGNATURE, "") if shown is None else "",
        key=headers.get(KEY, ""),
        secret=shown[2] if shown is not None else "",
    )


def answer_of(outcome: Outcome) -> SignalAnswer:
    """Return what a sender is answered."""
    match outcome:
        case Received():
            return SignalAnswer(status=202, body=_json({"status": "received", "id": outcome.id}))
        case Told():
            return SignalAnswer(status=200, body=_json(_foretold(outcome)))
        case Turned():
            return turned(outcome.code, outcome.detail)


def turned(code: TurnedAway, detail: str = "") -> SignalAnswer:
    """Return the answer to a request that was not let in."""
    status, message = MEANINGS[code]
    again_s = {TurnedAway.TOO_MANY: 60, TurnedAway.BUSY: 5}.get(code)
    said = {"code": code.value, "message": message} | ({"detail": detail} if detail else {})
    return SignalAnswer(status=status, body=_json({"status": "refused", **said}), again_s=again_s)


def _foretold(told: Told) -> dict[str, object]:
    drop, signal = told.dropped, told.signal
    found: dict[str, object] = {"status": "would be offered" if drop is None else "would be dropped"}
    if drop is not None:
        found |= {"code": drop.code.value, "detail": drop.note or ""}
    return found | ({"signal": _shown(signal)} if signal is not None else {})


def _shown(signal: Signal) -> dict[str, object]:
    return {
        "symbol": signal.symbol,
        "side": signal.side.value,
        "timeframe": signal.timeframe,
        "entry": [canonical(signal.entry_low), canonical(signal.entry_high)],
        "stop": canonical(signal.stop),
        "targets": [canonical(target.price) for target in signal.targets],
        "score": signal.score,
        "score_parts": dict(signal.score_parts),
        "expires_at": signal.expires_at.isoformat(),
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
