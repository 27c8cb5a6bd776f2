"""A terminal whose money is real, as those who decide about it see it: where it stands, its key, its account, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.limits import Effective, Limit, Scope
from services.domain.live_facts import KeyRight, LiveGround, LiveStanding
from services.domain.money import Money
from services.domain.trades import Terminal, TerminalMode
from services.reporting.live import Live
from services.risk.limits import limits_in_force
from services.risk.live_standing import read_standing
from services.storage import terminals, trades
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTerminalView:
    """One live terminal; ``ground`` is None where the three facts do not hold, ``equity`` without a reading.

    ``limits`` are those in force there for anybody and any instrument, ``open_trades`` how many live there.
    """

    terminal: Terminal
    ground: LiveGround | None
    standing: LiveStanding
    right: KeyRight
    equity: Money | None
    limits: Mapping[Limit, Effective]
    open_trades: int


def real_terminal_view(unit: Unit, terminal_id: str, live: Live) -> RealTerminalView | None:
    """Return how a terminal stands, or None for one whose money is not real."""
    terminal, grounds = terminals.find(unit, terminal_id), live.real.grounds
    standing = read_standing(unit, terminal, grounds) if terminal is not None else None
    if terminal is None or standing is None:
        return None
    balance = live.balance(terminal.id)
    return RealTerminalView(
        terminal=terminal,
        ground=grounds.get(terminal.id),
        standing=standing,
        right=live.real.right(terminal.id),
        equity=Money(balance.equity, balance.currency) if balance is not None else None,
        limits=limits_in_force(unit, live.real.limits).at({Scope.TERMINAL: terminal.name}),
        open_trades=len(trades.live(unit, terminal_id=terminal.id)),
    )


def real_terminals(unit: Unit, live: Live) -> list[RealTerminalView]:
    """Return every active terminal whose money is real, by name."""
    found = [each for each in terminals.everything(unit) if each.mode is TerminalMode.LIVE]
    views = [real_terminal_view(unit, each.id, live) for each in found]
    return [each for each in views if each is not None]
