"""The limits of the settings as the gate takes them, and where an entry stands among their scopes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from config.limits import RiskSettings
from services.domain.limits import Limit, LimitBook, Scope, ScopedValue
from services.domain.market import Instrument
from services.domain.signals import Signal, strategy_of
from services.domain.trades import Terminal


def book_of(settings: RiskSettings) -> LimitBook:
    """Return every value that the settings give a limit."""
    values = {limit: getattr(settings, limit.value) for limit in Limit}
    return LimitBook(
        desk={limit: Decimal(str(value)) for limit, value in values.items() if value is not None},
        scoped=tuple(
            ScopedValue(limit=Limit(each.limit), scope=Scope(each.scope), subject=each.subject, value=each.value)
            for each in settings.scoped
        ),
    )


def standing(signal: Signal, instrument: Instrument | None, terminal: Terminal, person_id: int) -> Mapping[Scope, str]:
    """Return the subjects of every scope that an entry touches."""
    found = {
        Scope.TERMINAL: terminal.name,
        Scope.PERSON: str(person_id),
        Scope.STRATEGY: strategy_of(signal.source),
        Scope.INSTRUMENT: signal.symbol,
    }
    return found if instrument is None else found | {Scope.TIER: instrument.tier.value}
