"""Faults that can be switched while the server runs: which calls they hit, and how often they fired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.clock import Clock
from sandbox.telegram.wire import JsonObject

KINDS = {
    "delay": "the answer comes `delay` seconds late, the call takes effect at once",
    "lost_reply": "the call takes effect, the connection closes without an answer",
    "reset_before": "the connection is reset, the call has no effect",
    "reset_after": "the call takes effect, the connection is reset",
    "too_many": "429 with `retry_after`, the call has no effect",
    "server_error": "`status` (502 unless told), the call has no effect",
    "half_body": "the call takes effect, half of the answer arrives",
    "duplicate_updates": "each update of a batch is delivered twice",
    "reorder_updates": "a batch of updates is delivered in reverse",
    "outage": "every connection is closed at once, getUpdates included",
}
ON_UPDATES = frozenset({"duplicate_updates", "reorder_updates"})
WITHOUT_EFFECT = frozenset({"reset_before", "too_many", "server_error", "outage"})
EVERY_METHOD = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switched fault. Left out, `method` means all but getUpdates (an outage: all), `count` no end."""

    id: str
    kind: str
    method: str = ""
    chat_id: int = 0
    contains: str = ""
    left: int | None = None
    until: float | None = None
    delay: float = 1.0
    retry_after: int = 5
    status: int = 502
    fired: int = 0

    def hits(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Tell whether a call matches; names of methods compare without case."""
        name = method.lower()
        if self.method and self.method != EVERY_METHOD:
            if self.method.lower() != name:
                return False
        elif name == "getupdates" and self.kind != "outage" and self.method != EVERY_METHOD:
            return False
        if self.chat_id and str(parameters.get("chat_id")) != str(self.chat_id):
            return False
        return not self.contains or any(self.contains in value for value in parameters.values() if isinstance(value, str))

    def wire(self) -> JsonObject:
        """Build what the page shows."""
        return {
            "id": self.id, "kind": self.kind, "method": self.method or None, "chat_id": self.chat_id or None,
            "contains": self.contains or None, "left": self.left, "until": self.until, "delay": self.delay,
            "retry_after": self.retry_after, "status": self.status, "fired": self.fired,
        }  # fmt: skip


class Faults:
    """The switched faults; the first that matches a call fires."""

    def __init__(self, clock: Clock) -> None:
        self.on_changed: Callable[[], None] = lambda: None
        self.fired: Counter[str] = Counter()
        self._clock = clock
        self._active: dict[str, Fault] = {}
        self._made = 0

    def switch_on(
        self,
        kind: str,
        *,
        method: str = "",
        chat_id: int = 0,
        contains: str = "",
        count: int | None = None,
        seconds: float | None = None,
        delay: float = 1.0,
        retry_after: int = 5,
        status: int = 502,
    ) -> Fault:
        """Switch a fault on for `count` calls or `seconds`, or until it is switched off."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
        if not 500 <= status <= 599 or retry_after < 1 or delay < 0:
            raise ValueError("status must be 500-599, retry_after at least 1, delay not negative")
        if (count is not None and count < 1) or (seconds is not None and seconds <= 0):
            raise ValueError("count must be at least 1, seconds more than 0")
        self._made += 1
        fault = Fault(
            id=f"f{self._made}", kind=kind, method=method, chat_id=chat_id, contains=contains, left=count,
            until=None if seconds is None else self._clock.now() + seconds,
            delay=delay, retry_after=retry_after, status=status,
        )  # fmt: skip
        self._active[fault.id] = fault
        self.on_changed()
        return fault

    def switch_off(self, fault_id: str | None = None) -> None:
        """Switch one fault off, or all of them."""
        if fault_id is None:
            self._active.clear()
        else:
            self._active.pop(fault_id, None)
        self.on_changed()

    def take(self, method: str, parameters: Mapping[str, Any]) -> Fault | None:
        """Fire the first fault that matches a call."""
        if not self._active:
            return None
        return self._fire(lambda fault: fault.kind not in ON_UPDATES and fault.hits(method, parameters))

    def take_for_batch(self, kind: str) -> bool:
        """Fire a fault on a batch of updates."""
        return bool(self._active) and self._fire(lambda fault: fault.kind == kind) is not None

    @property
    def is_out(self) -> bool:
        """Tell whether an outage that hits every call is on."""
        self._expire()
        return any(_is_outage(fault) for fault in self._active.values())

    def take_outage(self) -> None:
        """Fire the outage on a connection."""
        self._fire(_is_outage)

    def active(self) -> list[Fault]:
        self._expire()
        return list(self._active.values())

    def _fire(self, matches: Callable[[Fault], bool]) -> Fault | None:
        self._expire()
        for fault in self._active.values():
            if matches(fault):
                left = None if fault.left is None else fault.left - 1
                fired = replace(fault, left=left, fired=fault.fired + 1)
                if left == 0:
                    del self._active[fault.id]
                else:
                    self._active[fault.id] = fired
                self.fired[fault.kind] += 1
                self.on_changed()
                return fired
        return None

    def _expire(self) -> None:
        now = self._clock.now()
        over = [fault.id for fault in self._active.values() if fault.until is not None and fault.until <= now]
        for fault_id in over:
            del self._active[fault_id]
        if over:
            self.on_changed()


def _is_outage(fault: Fault) -> bool:
    return fault.kind == "outage" and fault.method in ("", EVERY_METHOD)
