"""What a headless run came to, counted in the desk's own database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table, func, select
from sqlalchemy.sql import ColumnElement

from services.domain.states import HaltState, TradeState
from services.operations.judgement import CheckResult, Status
from services.operations.verify import score
from services.storage.database import Unit
from services.storage.previews import PreviewState
from services.storage.tables import fills, journal, missions, previews, trades, verdicts

_HALTS = (f"halt.{HaltState.HALTED.value}", f"halt.{HaltState.REDUCING.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often each thing happened; ``refused`` counts missions that the gate refused to someone, each person's once."""

    missions: int
    fired: int
    fills: int
    closed: int
    refused: int
    halted: int

    @property
    def complete(self) -> bool:
        """Tell whether everything happened at least once."""
        return min(self.missions, self.fired, self.fills, self.closed, self.refused, self.halted) > 0


def count(unit: Unit) -> Tally:
    """Count in one snapshot."""
    return Tally(
        missions=_rows(unit, missions),
        fired=_rows(unit, trades),
        fills=_rows(unit, fills),
        closed=_rows(unit, trades, trades.c.state == TradeState.CLOSED.value),
        refused=len(_refusals(unit)),
        halted=_rows(unit, journal, journal.c.kind.in_(_HALTS)),
    )


def last_line(tally: Tally, checks: tuple[CheckResult, ...]) -> str:
    """Write the run's last line."""
    return (
        f"missions {tally.missions} fired {tally.fired} fills {tally.fills} closed {tally.closed} "
        f"refused {tally.refused} halted {tally.halted} verify {score(checks)}"
    )


def all_hold(checks: tuple[CheckResult, ...]) -> bool:
    """Tell whether all invariants were checked and hold."""
    return bool(checks) and all(check.status is Status.OK for check in checks)


def _rows(unit: Unit, table: Table, *where: ColumnElement[bool]) -> int:
    return int(unit.first(select(func.count().label("n")).select_from(table).where(*where)).n)


def _refusals(unit: Unit) -> set[tuple[str, int]]:
    """Name mission and person of each refusal: at Confirm a verdict is kept, before it the preview shows it."""
    denied = select(verdicts.c.mission_id, verdicts.c.person_id).where(verdicts.c.allowed.is_(False))
    shown = select(previews.c.mission_id, previews.c.person_id).where(previews.c.state == PreviewState.REFUSED.value)
    return {(row.mission_id, row.person_id) for statement in (denied, shown) for row in unit.all(statement)}
