"""What an account carries, and what it would carry with one entry more; kept beside a verdict for its proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.domain.money import ZERO, canonical
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.risk.context import Plan
from services.risk.sizing import loss_at_stop

_NOT_IN_YET = (TradeState.AWAITING_APPROVAL, TradeState.WORKING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Live trades, what they lose at their stops, and what they are worth at cost, in the account's currency."""

    trades: int
    open_risk: Decimal
    exposure: Decimal

    def dump(self) -> dict[str, object]:
        """Return it in values that JSON holds without loss."""
        return {"trades": self.trades, "open_risk": canonical(self.open_risk), "exposure": canonical(self.exposure)}

    def plus(self, plan: Plan) -> Carried:
        """Return what would be carried with this entry at its worst price."""
        return Carried(
            trades=self.trades + 1,
            open_risk=self.open_risk + loss_at_stop(plan.quantity, plan.worst_price, plan.stop, plan.costs),
            exposure=self.exposure + plan.quantity * plan.worst_price,
        )


def carried(live: Sequence[Trade]) -> Carried:
    """Add up what an account carries; an entry on its way counts in full at its worst price."""
    return Carried(
        trades=len(live),
        open_risk=sum((trade.open_risk for trade in live), ZERO),
        exposure=sum((_exposure(trade) for trade in live), ZERO),
    )


def load_carried(facts: object) -> Carried | None:
    """Read what was kept; None for a verdict of a desk that did not keep it."""
    if not isinstance(facts, Mapping):
        return None
    return Carried(trades=int(facts["trades"]), open_risk=Decimal(facts["open_risk"]), exposure=Decimal(facts["exposure"]))


def _exposure(trade: Trade) -> Decimal:
    coming = max(ZERO, trade.quantity - trade.entry_quantity) if trade.state in _NOT_IN_YET else ZERO
    return trade.open_quantity * (trade.average_entry or trade.worst_price) + coming * trade.worst_price
