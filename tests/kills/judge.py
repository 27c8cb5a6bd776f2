"""The judge of a campaign: the desk's books beside the venues' own, and every act beside its answer."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.demo.desk_reading import DeskReading
from bot.demo.invariants import Invariants
from bot.system import SystemClock
from services.domain.money import ZERO
from services.domain.states import LIVE_TRADE_STATES
from services.operations.judgement import CheckResult, Status
from services.operations.places import log_files, paper_file
from services.operations.venue_book import PAPER, VenueBook, read_paper_book
from services.operations.verify import score
from services.storage import tables
from services.storage.database import Unit
from services.storage.desk import journal_after
from tests.crash.logged import crashes
from tests.kills.acts import Act, Answer
from tests.kills.world import World

MOST_ROWS = 10_000_000
LIVE = frozenset(state.value for state in LIVE_TRADE_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is left after a campaign: a copy of the desk's folder, the exchange's truth, the chats, and what people did."""

    state: Path
    exchange: VenueBook
    writes: Mapping[str, int]
    transcript: str
    secrets: frozenset[str]
    acts: Sequence[Act]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Each list names its offenders; ``answers`` counts how acts were answered, ``counts`` what happened at all."""

    duplicates: tuple[str, ...]
    lost_fills: tuple[str, ...]
    naked: tuple[str, ...]
    unanswered: tuple[str, ...]
    crashes: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    answers: Mapping[str, int]
    counts: Mapping[str, int]

    @property
    def verify(self) -> str:
        """Return how many of the ten invariants hold, as 10/10."""
        return score(self.checks)

    @property
    def clean(self) -> bool:
        """Tell whether nothing is wrong, with every invariant checked."""
        kept = len(self.checks) == 10 and all(check.status is Status.OK for check in self.checks)
        return kept and not any((self.duplicates, self.lost_fills, self.naked, self.unanswered, self.crashes))


async def gather(around: World, state: Path, acts: Sequence[Act]) -> Evidence:
    """Collect what the judge looks at, from a copy of the desk's folder."""
    return Evidence(
        state=state,
        exchange=await around.exchange_book(),
        writes=await around.page.writes_by_client_id(),
        transcript=await around.transcript(),
        secrets=around.secrets,
        acts=tuple(acts),
    )


async def judge(evidence: Evidence) -> Verdict:
    """Compare everything; nothing is in flight any more, so nothing is excused for being recent."""
    reading = DeskReading(evidence.state)

    async def transcript() -> str:
        return evidence.transcript

    async def exchange() -> VenueBook:
        return evidence.exchange

    report = await Invariants(reading, transcript, evidence.secrets, exchange).final()
    paper = read_paper_book(paper_file(evidence.state), SystemClock())
    books = [evidence.exchange, *([paper] if paper is not None else [])]
    found = reading.read(lambda unit: _Books(unit, books))
    assert found is not None
    return Verdict(
        duplicates=tuple(found.duplicates(evidence.writes)),
        lost_fills=tuple(found.lost_fills()),
        naked=tuple(found.naked()),
        unanswered=tuple(_unanswered(evidence.acts)),
        crashes=tuple(crashes(log_files(evidence.state))),
        checks=report.checks,
        answers=dict(Counter(act.answer.value for act in evidence.acts)),
        counts=found.counts() | {"acts": len(evidence.acts)},
    )


def _unanswered(acts: Sequence[Act]) -> list[str]:
    return [f"{act.person} {act.what}, then saw {act.seen}" for act in acts if act.answer is Answer.NONE]


class _Books:
    """The desk's rows beside the venues' books, by counts of its own: what it judges does not judge itself."""

    def __init__(self, unit: Unit, books: Sequence[VenueBook]) -> None:
        self._books = books
        self._trades = unit.all(select(tables.trades))
        self._orders = unit.all(select(tables.orders))
        self._fills = unit.all(select(tables.fills))
        claims = (row for row in journal_after(unit, 0, MOST_ROWS) if row.kind == "instruction.sent")
        self._claims = Counter(str(json.loads(row.facts)["instruction"]) for row in claims)
        universes = unit.all(select(tables.universes).order_by(tables.universes.c.version))
        self._steps = {each["symbol"]: Decimal(each["step"]) for each in universes[-1].instruments} if universes else {}

    def duplicates(self, writes: Mapping[str, int]) -> list[str]:
        """Name what was done twice: a venue's order, a write to the exchange, a claim, a trade on an instrument."""
        placed = Counter((order.account, order.client_id) for book in self._books for order in book.orders if order.client_id)
        live = Counter((trade.terminal_id, trade.symbol) for trade in self._trades if trade.state in LIVE)
        twice = [f"order {name} of {account}" for (account, name), times in placed.items() if times > 1]
        twice += [f"write of {name} to the exchange" for name, times in writes.items() if times > 1]
        twice += [f"claim of instruction {name}" for name, times in self._claims.items() if times > 1]
        return twice + [f"live trade on {symbol} of {terminal}" for (terminal, symbol), times in live.items() if times > 1]

    def lost_fills(self) -> list[str]:
        """Name fills that one side has and the other has not, or has with another size."""
        theirs = {(fill.account, fill.venue_fill_id): fill.quantity for book in self._books for fill in book.fills}
        ours = {(row.terminal_id, row.venue_fill_id): row.quantity for row in self._fills}
        lost = [f"{fill} of {account} is not booked" for account, fill in theirs.keys() - ours.keys()]
        lost += [f"{fill} of {account} is booked and unknown to the venue" for account, fill in ours.keys() - theirs.keys()]
        return lost + [f"{key[1]} of {key[0]} differs" for key in theirs.keys() & ours.keys() if theirs[key] != ours[key]]

    def naked(self) -> list[str]:
        """Name open trades whose working stops at the venue do not cover what is open, less fees taken in the base asset."""
        working = {(order.account, order.client_id): order for book in self._books for order in book.orders if order.live}
        covered: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for row in self._orders:
            order = working.get((row.terminal_id, row.client_id))
            if row.role == "stop" and order is not None:
                covered[row.trade_id] += order.quantity - order.filled
        bare = []
        for trade in self._trades:
            held = trade.entry_quantity - trade.exit_quantity - self._base_fees(trade)
            if trade.state in LIVE and held - covered[trade.id] >= self._steps.get(trade.symbol, ZERO) > ZERO:
                bare.append(f"trade {trade.number} holds {held} {trade.symbol} with stops for {covered[trade.id]}")
        return bare

    def counts(self) -> dict[str, int]:
        """Count what happened, so that a campaign in which nothing did is seen to be one."""
        return {
            "trades": len(self._trades),
            "open": sum(trade.state == "open" for trade in self._trades),
            "closed": sum(trade.state == "closed" for trade in self._trades),
            "fills": len(self._fills),
            "exchange_fills": sum(len(book.fills) for book in self._books if book.venue != PAPER),
            "instructions_sent": sum(self._claims.values()),
        }

    def _base_fees(self, trade: Any) -> Decimal:
        base = trade.symbol.partition("/")[0]
        return sum((row.fee for row in self._fills if row.trade_id == trade.id and row.fee_currency == base), ZERO)
