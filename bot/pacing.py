"""Telegram's limits as token buckets: all messages, each private chat, each group; and chats that asked for a pause."""

from __future__ import annotations

from collections.abc import Callable

CHAT_BURST = 3.0
GROUP_BURST = 5.0
GLOBAL_BURST = 5.0


class _Bucket:
    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def wait(self, now: float) -> float:
        """Return the seconds until one token is there."""
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        return 0.0 if left >= 1 else (1 - left) / self._rate

    def take(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now


class Pacer:
    """Says how long a message to a chat has to wait; ``monotonic`` gives seconds."""

    def __init__(self, per_second: float, chat_per_minute: int, group_per_minute: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._chat_rate = chat_per_minute / 60
        self._group_rate = group_per_minute / 60
        self._all = _Bucket(per_second, GLOBAL_BURST, monotonic())
        self._chats: dict[int, _Bucket] = {}
        self._gates: dict[int, float] = {}

    def wait_all(self) -> float:
        """Return the seconds until anything may be sent."""
        return self._all.wait(self._monotonic())

    def wait_chat(self, chat_id: int) -> float:
        """Return the seconds until this chat may be sent to."""
        now = self._monotonic()
        gate = self._gates.get(chat_id, 0.0) - now
        return max(gate, self._bucket(chat_id, now).wait(now), 0.0)

    def take(self, chat_id: int) -> None:
        """Count one message to this chat."""
        now = self._monotonic()
        self._all.take(now)
        self._bucket(chat_id, now).take(now)

    def close_gate(self, chat_id: int, seconds: float) -> None:
        """Send nothing to this chat for the time the server asked for."""
        self._gates[chat_id] = self._monotonic() + seconds

    def _bucket(self, chat_id: int, now: float) -> _Bucket:
        bucket = self._chats.get(chat_id)
        if bucket is None:
            group = chat_id < 0
            rate, burst = (self._group_rate, GROUP_BURST) if group else (self._chat_rate, CHAT_BURST)
            bucket = self._chats[chat_id] = _Bucket(rate, burst, now)
        return bucket
