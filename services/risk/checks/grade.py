"""What a person's grade lets them do, beside the limits that it tightens."""

from __future__ import annotations

from services.domain.grades import FireMode
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import missing, state
from services.risk.context import GateContext


def grade(c: GateContext) -> Check:
    """Check that the person's grade is one of the settings and takes this terminal."""
    rank = c.ledger.rank
    if rank is None:
        return missing(CheckCode.GRADE, "a grade", Unit.STATE)
    if not rank.known:
        return state(CheckCode.GRADE, False, f"{rank.grade} is no grade here", "a grade of the settings")
    takes = not rank.terminals or rank.terminal in rank.terminals or rank.mode.value in rank.terminals
    return state(CheckCode.GRADE, takes, f"{rank.grade} at {rank.terminal}", ", ".join(rank.terminals) or "any terminal")


def mode(c: GateContext) -> Check:
    """Check that the person takes entries of this call: with a tap, or without one where no money is real."""
    rank = c.ledger.rank
    if rank is None:
        return missing(CheckCode.MODE, "a mode", Unit.STATE)
    if not rank.by_itself:
        return state(CheckCode.MODE, rank.fires is not FireMode.ALERT, rank.fires.value, "select or auto")
    if rank.mode is TerminalMode.LIVE:
        return state(CheckCode.MODE, False, "auto at a live terminal", "paper or testnet")
    return state(CheckCode.MODE, rank.fires is FireMode.AUTO, rank.fires.value, "auto")
