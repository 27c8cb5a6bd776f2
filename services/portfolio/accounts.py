"""The newest reading of each terminal's account, with the time it was read."""

from __future__ import annotations

from services.domain.orders import Balance


class AccountBoard:
    """Keeps the newest balance by terminal; nothing is invented between readings."""

    def __init__(self) -> None:
        self._balances: dict[str, Balance] = {}

    def put(self, terminal_id: str, balance: Balance) -> None:
        """Keep a fresh reading."""
        self._balances[terminal_id] = balance

    def latest(self, terminal_id: str) -> Balance | None:
        """Return the newest reading, or None before the first."""
        return self._balances.get(terminal_id)
