"""Trades, positions and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.market import Instrument
from services.domain.money import ZERO, Price, Quantity
from services.domain.orders import VenueFill, entry_side
from services.domain.signals import Side, Target
from services.domain.states import TradeState


class TerminalMode(StrEnum):
    """Whether money is real."""

    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One account at one venue; ``owner_id`` is None when the desk owns it.

    ``reconciled_at`` is None until the first comparison with the venue since start passed. Of a trader's terminals the one of
    the lowest ``rank`` is used unless the trader chose another.
    """

    id: str
    name: str
    venue: str
    mode: TerminalMode
    owner_id: int | None
    currency: str
    can_short: bool
    active: bool
    reconciled_at: datetime | None
    rank: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trader's firing of one mission at one terminal.

    Sums are kept from fills: ``entry_quantity``/``entry_cost`` and ``exit_quantity``/``exit_cost`` in base and quote units,
    ``fees`` in the quote currency. ``decision_price`` is the price shown when the trader confirmed; ``tapped_at`` is when the
    tap came that let it go out, the confirming one or a second person's last yes.

    ``closing`` is what was asked to be sold and waits until exits that hold the position are taken away, at ``closing_at`` or
    better where the desk itself takes a target; ``bare_since`` says since when no stop works at the venue. ``keep`` is how the
    stop is kept (domain/keeping.py), ``route`` how the entry is sent (domain/routes.py).
    """

    id: str
    number: int
    mission_id: str
    person_id: int
    terminal_id: str
    symbol: str
    side: Side
    state: TradeState
    quantity: Quantity
    decision_price: Price
    worst_price: Price
    stop: Price
    initial_stop: Price
    targets: tuple[Target, ...]
    risk_money: Decimal
    currency: str
    tapped_at: datetime
    correlation: str
    entry_quantity: Decimal = ZERO
    entry_cost: Decimal = ZERO
    exit_quantity: Decimal = ZERO
    exit_cost: Decimal = ZERO
    fees: Decimal = ZERO
    dust: Decimal = ZERO
    acknowledged_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str | None = None
    closing: Decimal | None = None
    closing_at: Price | None = None
    bare_since: datetime | None = None
    keep: Mapping[str, str] | None = None
    route: Mapping[str, str] | None = None

    @property
    def open_quantity(self) -> Decimal:
        """Return what is still held, in base units, never negative."""
        return max(ZERO, self.entry_quantity - self.exit_quantity - self.dust)

    @property
    def average_entry(self) -> Price | None:
        """Return the mean entry price over fills, or None before the first."""
        return Price(self.entry_cost / self.entry_quantity) if self.entry_quantity else None

    @property
    def average_exit(self) -> Price | None:
        """Return the mean exit price over fills, or None before the first."""
        return Price(self.exit_cost / self.exit_quantity) if self.exit_quantity else None

    @property
    def risk_per_unit(self) -> Decimal:
        """Return one R for one unit of base: decision price to initial stop."""
        return abs(self.decision_price - self.initial_stop)

    @property
    def realized(self) -> Decimal:
        """Return the profit booked so far in the quote currency, after all fees paid so far."""
        if not self.entry_quantity:
            return -self.fees
        closed = min(self.exit_quantity, self.entry_quantity)
        basis = self.entry_cost * closed / self.entry_quantity
        return (self.exit_cost - basis) * self.side.sign - self.fees

    def unrealized(self, price: Decimal) -> Decimal:
        """Return the open part's profit at ``price`` in the quote currency."""
        average = self.average_entry
        return (price - average) * self.side.sign * self.open_quantity if average is not None else ZERO

    @property
    def open_risk(self) -> Decimal:
        """Return the money lost if the stop fills at its price, never negative; before entry, the planned risk."""
        if self.average_entry is None:
            return self.risk_money if self.state in (TradeState.WORKING, TradeState.AWAITING_APPROVAL) else ZERO
        return max(ZERO, (self.average_entry - self.stop) * self.side.sign * self.open_quantity)

    def r_multiple(self, money: Decimal) -> Decimal | None:
        """Return ``money`` in R of this trade's filled size, or None when nothing was filled."""
        unit = self.risk_per_unit * self.entry_quantity
        return money / unit if unit else None


def apply_fill(trade: Trade, fill: VenueFill, fee_in_quote: Decimal) -> Trade:
    """Return the trade with one more fill booked: an entry adds, an exit takes off; fees always add."""
    cost = fill.quantity * fill.price
    if fill.side is entry_side(trade.side):
        return replace(
            trade,
            entry_quantity=trade.entry_quantity + fill.quantity,
            entry_cost=trade.entry_cost + cost,
            fees=trade.fees + fee_in_quote,
        )
    return replace(
        trade,
        exit_quantity=trade.exit_quantity + fill.quantity,
        exit_cost=trade.exit_cost + cost,
        fees=trade.fees + fee_in_quote,
    )


def position_change(fill: VenueFill, instrument: Instrument) -> Decimal:
    """Return what a fill adds to the position: its signed quantity less a fee charged in the base asset."""
    base_fee = fill.fee if fill.fee_currency == instrument.base else ZERO
    return fill.quantity * fill.side.sign - base_fee


def is_dust(remaining: Decimal, instrument: Instrument) -> bool:
    """Tell whether a remainder is too small for the venue to take back."""
    return ZERO < remaining < max(instrument.min_quantity, instrument.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The sum of fills on a terminal and instrument, positive when long."""

    terminal_id: str
    symbol: str
    quantity: Decimal
    updated_at: datetime
