"""What somebody left behind, as its keeper sees it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.domain.handovers import Kept
from services.domain.signals import Side
from services.domain.trades import TerminalMode
from services.reporting.live import Live, exit_price
from services.storage import handovers, people, terminals, trades
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverLine:
    """One live trade: its result if it were left now in R, what its stop would make in R, and the keeper's word.

    ``now_r`` is None without a price, both are before the entry is filled.
    """

    number: int
    symbol: str
    side: Side
    mode: TerminalMode | None
    open: bool
    now_r: Decimal | None
    stop_r: Decimal | None
    answer: Kept | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView:
    """The live trades of one person that the reader keeps."""

    person_id: int
    name: str
    why: str
    lines: tuple[HandoverLine, ...]


def handover_view(unit: Unit, person_id: int, keeper_id: int, live: Live) -> HandoverView | None:
    """Return what the keeper has of a person, or None when nothing was ever passed to them; without lines it is over."""
    person = people.find(unit, person_id)
    if person is None:
        return None
    found = handovers.live_with(unit, keeper_id, person_id)
    lines = []
    for each in found:
        trade = trades.find(unit, each.trade_id)
        if trade is None:
            continue
        terminal, price = terminals.find(unit, trade.terminal_id), exit_price(live, trade.symbol, trade.side)
        opened = trade.open_quantity > 0
        at_stop = trade.r_multiple(trade.realized + trade.unrealized(trade.stop)) if opened else None
        at_price = trade.r_multiple(trade.realized + trade.unrealized(price.value)) if opened and price is not None else None
        lines.append(
            HandoverLine(
                number=trade.number,
                symbol=trade.symbol,
                side=trade.side,
                mode=terminal.mode if terminal is not None else None,
                open=opened,
                now_r=at_price,
                stop_r=at_stop,
                answer=each.answer,
            )
        )
    return HandoverView(person_id=person_id, name=person.name, why=found[0].why if found else "", lines=tuple(lines))
