"""How a person stands: what their closed trades, today's entries and result hold them back from, read inside a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from config.breakers import DisciplineSettings
from services.domain.breakers import is_loss
from services.domain.discipline import Discipline, cooldown_until, tilt_until
from services.domain.grades import Grade
from services.domain.limits import Effective, Limit
from services.domain.money import ZERO
from services.domain.trades import Terminal, Trade
from services.risk.day_book import PriceOf, open_profit
from services.risk.days import day_end, day_of, day_start
from services.storage import terminals, trades
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class DisciplineRules:
    """The settings that hold people back."""

    settings: DisciplineSettings
    loss_from_r: Decimal
    zone: str

    @property
    def looks_back(self) -> timedelta:
        """Return how long a closed trade can matter beyond its own day."""
        tilt = self.settings.tilt_window_s + self.settings.tilt_lock_s
        return timedelta(seconds=max(tilt, self.settings.cooldown_s))


def read_discipline(
    unit: Unit,
    rules: DisciplineRules,
    *,
    person_id: int,
    terminal: Terminal,
    live: Sequence[Trade],
    price_of: PriceOf,
    limits: Mapping[Limit, Effective],
    grade: Grade,
    leaving_out: str | None = None,
) -> Discipline:
    """Return how the person of a grade stands at a terminal, whose live trades are ``live``.

    Medic mode begins below the daily loss of ``limits``, those in force, and leaves a share of their risk of a trade.
    ``leaving_out`` is the trade asked about.
    """
    settings, today = rules.settings, day_start(unit.now, rules.zone)
    since = min(today, unit.now - rules.looks_back)
    closed = trades.closed_of(unit, person_id, since)
    losses = [each.closed_at for each in closed if each.closed_at is not None and is_loss(each, rules.loss_from_r)]
    own = [each for each in live if each.person_id == person_id]
    return Discipline(
        cooldown_until=cooldown_until(losses, settings.cooldown_s, unit.now),
        tilt_until=tilt_until(
            losses,
            settings.tilt_losses,
            timedelta(seconds=settings.tilt_window_s),
            timedelta(seconds=settings.tilt_lock_s),
            unit.now,
        ),
        tilt_losses=settings.tilt_losses,
        shots=trades.count_fired(unit, person_id, today, leaving_out or ""),
        shots_limit=min(settings.shots_per_day, grade.shots or settings.shots_per_day),
        shots_free_at=day_end(unit.now, rules.zone),
        day_result=_day_result(unit, rules.zone, terminal, [each for each in closed if _of_day(each, today)], own, price_of),
        medic_from=min(settings.medic_from, limits[Limit.DAILY_LOSS].value * settings.medic_before),
        medic_risk=limits[Limit.PER_TRADE].value * settings.medic_risk,
        medic_positions=settings.medic_positions,
        own_live=sum(each.id != leaving_out for each in own),
    )


def _of_day(trade: Trade, start: datetime) -> bool:
    return trade.closed_at is not None and trade.closed_at >= start


def _day_result(
    unit: Unit, zone: str, terminal: Terminal, closed: Sequence[Trade], own: Sequence[Trade], price_of: PriceOf
) -> Decimal | None:
    """Return the person's realised and open result of the day at a terminal, share of its opening equity, or None."""
    day = terminals.day_result(unit, terminal.id, day_of(unit.now, zone))
    shown = open_profit(own, price_of)
    if day is None or day.opening_equity <= ZERO or shown is None:
        return None
    made = sum((each.realized for each in [*closed, *own] if each.terminal_id == terminal.id), ZERO)
    return (made + shown) / day.opening_equity
