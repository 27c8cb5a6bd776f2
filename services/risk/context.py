"""What the gate looks at: the market as the feeds keep it, the ledger as it stands in the unit, and what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.domain.breakers import Breaker
from services.domain.discipline import Discipline
from services.domain.entries import EntryKind
from services.domain.grades import Rank
from services.domain.halts import Halt
from services.domain.inputs import InputName, InputState
from services.domain.limits import Effective, Limit
from services.domain.live_facts import LiveStanding
from services.domain.market import Instrument, Quote
from services.domain.sessions import NOT_MEASURED, Session
from services.domain.signals import Side
from services.domain.states import MissionState
from services.risk.sizing import Costs
from services.risk.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPart:
    """What the feeds keep current. ``equity`` and ``free`` are in the instrument's quote currency; None is missing.

    ``free`` is without what entries may take that the reading of the account cannot know of yet. ``session`` says whether
    terminal and instrument keep hours, and whether these are open.
    """

    instrument: Instrument | None
    quote: Quote | None
    equity: Decimal | None
    free: Decimal | None
    equity_at: datetime | None
    session: Session = NOT_MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPart:
    """What is read inside the write unit.

    ``day_profit`` is realised and open profit since the day's start in the terminal's currency, None when it cannot be
    measured; ``doubtful`` counts instructions of unknown outcome and undecided differences on this terminal and instrument.
    ``breakers`` are those not closed that bear on this entry, ``discipline`` is how its person stands.
    ``beside`` is what else is live and was done, as far as limits in force ask for it. ``rank`` is the person's grade at this
    terminal, None where it was not measured; ``real`` is what was decided about a terminal with real money, None for another.
    """

    halts: tuple[Halt, ...]
    mission_state: MissionState
    reconciled_at: datetime | None
    doubtful: int
    can_long: bool
    can_short: bool
    live_trades: int
    same_instrument: bool
    day_profit: Decimal | None
    day_opening_equity: Decimal | None
    day_ends_at: datetime
    breakers: tuple[Breaker, ...]
    discipline: Discipline
    beside: Surroundings
    rank: Rank | None = None
    real: LiveStanding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for: a size in base units, entered at ``worst_price`` or better, with its stop.

    ``price`` is what the entry waits for, at most ``reach_bps`` from the quote; None where it takes or rests at the quote.
    """

    side: Side
    quantity: Decimal
    worst_price: Decimal
    stop: Decimal
    deadline: datetime
    costs: Costs
    kind: EntryKind = EntryKind.TAKE
    price: Decimal | None = None
    reach_bps: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """Everything the gate looks at; ``limits`` are those in force for this entry, one that is off is not among them.

    ``inputs`` are what other parts of the desk say; a row of an older desk has none.
    """

    now: datetime
    plan: Plan
    market: MarketPart
    ledger: LedgerPart
    limits: Mapping[Limit, Effective]
    config_hash: str
    inputs: Mapping[InputName, InputState] = field(default_factory=dict)
