"""An incident as its card shows it: what is wrong, what is exposed, what was done, who has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.access.runbooks import RUNBOOKS, severity_of
from services.domain.incidents import AlertCode, Incident, Severity
from services.domain.money import ZERO, Money
from services.domain.people import Role
from services.domain.trades import Terminal, TerminalMode, Trade
from services.portfolio.results import by_currency
from services.reporting.live import Live, middle_price
from services.storage import incidents, people, terminals, trades
from services.storage.database import Unit
from services.storage.people import role_of

LOOK = ("what another version of the desk knows", "/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """What an incident exposes: open trades, or one write or difference.

    ``worth`` is what is held or in doubt at the price of now, by currency, empty where there is no price; ``priced_at`` is
    the oldest price in it. ``to_stop`` is lost if every stop fills at its price, ``percent`` its share of the equity there and
    ``r`` the same in R; both None where they cannot be said.
    """

    positions: int
    worth: tuple[Money, ...]
    priced_at: datetime | None
    to_stop: tuple[Money, ...]
    percent: Decimal | None
    r: Decimal | None
    quantity: Decimal | None = None
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """One incident for one chat; ``private`` decides whether money is shown, ``may_take`` whether the reader may have it."""

    incident: Incident
    severity: Severity
    done: str
    next: str
    modes: tuple[TerminalMode, ...]
    at_risk: AtRisk | None
    taken_by: str | None
    private: bool
    may_take: bool
    now: datetime


def incident_view(unit: Unit, incident_id: str, chat_id: int, live: Live) -> IncidentView | None:
    """Put an incident's card for one chat together; None for one that there is not, or that is not this person's business."""
    incident = incidents.find(unit, incident_id)
    if incident is None:
        return None
    private = chat_id > 0
    if private and incident.person_id != chat_id and role_of(unit, chat_id) is not Role.COMMANDER:
        return None
    page = RUNBOOKS[AlertCode(incident.code)] if incident.code in set(AlertCode) else None
    done, following = (page.done, page.next) if page is not None else LOOK
    holder = people.find(unit, incident.taken_by) if incident.taken_by is not None else None
    over = incident.closed_at is not None
    accounts = _accounts(unit, incident)
    return IncidentView(
        incident=incident,
        severity=severity_of(incident.code),
        done=str(incident.facts.get("done", done)),
        next=str(incident.facts.get("next", following)),
        modes=tuple(mode for mode in TerminalMode if mode in {account.mode for account in accounts}),
        at_risk=None if over else _at_risk(unit, incident, accounts, live),
        taken_by=holder.name if holder is not None else str(incident.taken_by) if incident.taken_by is not None else None,
        private=private,
        may_take=not over and incident.taken_at is None,
        now=live.now,
    )


def _accounts(unit: Unit, incident: Incident) -> list[Terminal]:
    """Return the terminals concerned: the trade's, the one that is named, else all of the desk."""
    everything = terminals.everything(unit)
    trade = _trade(unit, incident)
    name = incident.facts.get("terminal")
    if trade is not None:
        return [account for account in everything if account.id == trade.terminal_id]
    return [account for account in everything if name in (account.name, account.id)] if name is not None else everything


def _trade(unit: Unit, incident: Incident) -> Trade | None:
    trade_id = incident.facts.get("trade_id")
    return trades.find(unit, str(trade_id)) if trade_id is not None else None


def _at_risk(unit: Unit, incident: Incident, accounts: list[Terminal], live: Live) -> AtRisk | None:
    trade, symbol = _trade(unit, incident), incident.facts.get("symbol")
    if trade is not None:
        return _held(accounts, [trade], live)
    if symbol is not None:
        return _doubtful(incident, str(symbol), live)
    held = [each for account in accounts for each in trades.live(unit, terminal_id=account.id) if each.open_quantity > 0]
    return _held(accounts, held, live)


def _held(accounts: list[Terminal], held: list[Trade], live: Live) -> AtRisk:
    prices = [(each, middle_price(live, each.symbol)) for each in held]
    known = [(each, found) for each, found in prices if found is not None]
    risk = by_currency(Money(each.open_risk, each.currency) for each in held)
    rs = [each.r_multiple(each.open_risk) for each in held]
    return AtRisk(
        positions=len(held),
        worth=by_currency(Money(each.open_quantity * found.value, each.currency) for each, found in known),
        priced_at=min((found.at for _, found in known), default=None),
        to_stop=risk,
        percent=_percent(accounts, risk, live),
        r=sum((each for each in rs if each is not None), ZERO) if held else None,
        quantity=held[0].open_quantity if len(held) == 1 else None,
        base=held[0].symbol.partition("/")[0] if len(held) == 1 else "",
    )


def _doubtful(incident: Incident, symbol: str, live: Live) -> AtRisk | None:
    size = _number(incident.facts.get("quantity", incident.facts.get("unexplained")))
    if size is None:
        return None
    quantity, found = abs(size), middle_price(live, symbol)
    base, _, currency = symbol.partition("/")
    return AtRisk(
        positions=0,
        worth=(Money(quantity * found.value, currency),) if found is not None else (),
        priced_at=found.at if found is not None else None,
        to_stop=(),
        percent=None,
        r=None,
        quantity=quantity,
        base=base,
    )


def _number(value: object) -> Decimal | None:
    """Return a stored amount; None for one that is missing or odd, which must not keep the alert from being shown."""
    try:
        number = Decimal(str(value)) if isinstance(value, str) else None
    except ArithmeticError:
        return None
    return number if number is not None and number.is_finite() else None


def _percent(accounts: list[Terminal], risk: tuple[Money, ...], live: Live) -> Decimal | None:
    """Return the risk in percent of the equity of the accounts in its currency; None where that cannot be said."""
    if len(risk) != 1:
        return None
    balances = [live.balance(account.id) for account in accounts if account.currency == risk[0].currency]
    equity = sum((each.equity for each in balances if each is not None), ZERO)
    return risk[0].amount / equity * 100 if equity > 0 and None not in balances else None


def exposed_money(unit: Unit, incident: Incident, live: Live) -> str:
    """Return what an incident exposes in money, in plain words; empty where there is no price for it."""
    risk = _at_risk(unit, incident, _accounts(unit, incident), live)
    return " + ".join(f"{money.amount:.0f} {money.currency}" for money in risk.worth) if risk is not None else ""
