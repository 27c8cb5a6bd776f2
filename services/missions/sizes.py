"""The sizes that a preview offers: the usual one by its rule, the largest by the limits in force, with how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.limits import Limit
from services.domain.money import ZERO, Quantity
from services.missions.entries import EntryPlan
from services.missions.planning import Case, Rules
from services.risk.size_rules import Terms
from services.risk.sizing import Sizes, offered_sizes, size_caps
from services.risk.surroundings import value_room


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Sizes, and in a few words how the full one was found; nothing of both where the market or the account is not known."""

    sizes: Sizes
    said: str


NOTHING = Offer(sizes=Sizes(half=Quantity(ZERO), full=Quantity(ZERO), largest=Quantity(ZERO)), said="")


def offer(case: Case, plan: EntryPlan, rules: Rules, now: datetime) -> Offer:
    """Return what a trader is offered for an entry at its worst price."""
    market, signal, costs = case.market, case.mission.signal, rules.costs_at(case.terminal)
    if market.instrument is None or market.equity is None or market.free is None:
        return NOTHING
    held_to = case.discipline.medic_risk if case.discipline.medic else None
    most = case.limits[Limit.PER_TRADE].value
    left = min(held_to / most, Decimal(1)) if held_to is not None else Decimal(1)
    usual = rules.sizing.usual(
        signal,
        case.person.id,
        Terms(
            instrument=market.instrument,
            entry=plan.worst,
            stop=signal.stop,
            costs=costs,
            equity=market.equity,
            left=left,
            now=now,
        ),
    )
    room = value_room(case.beside, case.limits, signal.side, market.equity, now)
    caps = size_caps(market.equity, market.free, case.limits, usual.quantity, room, case.beside.open_risk, held_to)
    sizes = offered_sizes(entry=plan.worst, stop=signal.stop, instrument=market.instrument, costs=costs, caps=caps)
    bound = usual.quantity is not None and sizes.full == sizes.largest and usual.quantity > sizes.largest
    largest = market.instrument.max_quantity
    by = "the venue's largest order" if largest is not None and sizes.largest + market.instrument.step > largest else "limits"
    said = f"{usual.said}, cut by {by}" if bound else usual.said
    return Offer(sizes=sizes, said=said if left == 1 else f"{said}, bad day")
