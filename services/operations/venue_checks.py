"""Checks 1 to 4: what the venue has against what the desk asked for and booked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from services.domain.money import ZERO
from services.domain.orders import CLIENT_ID_BASE, OrderSide, entry_side
from services.domain.proposals import ELSEWHERE
from services.domain.signals import Side
from services.operations.evidence import SENT_STATES, Evidence
from services.operations.judgement import CheckResult, counted, judge
from services.operations.venue_book import BookFill, BookOrder


def one_write_per_instruction(evidence: Evidence) -> CheckResult:
    """Check that every venue order is one that exactly one sent instruction asked for, or is marked foreign."""
    offenders: list[str] = []
    placed = foreign = 0
    seen = Counter((order.account, order.client_id) for book in evidence.books for order in book.orders if order.client_id)
    for order in _our_orders(evidence):
        placed += 1
        if order.client_id and seen[(order.account, order.client_id)] > 1:
            offenders.append(f"{order.venue_id} of {order.account} shares its client id {order.client_id}")
            continue
        instruction = evidence.instructions.get((order.client_id or "")[:CLIENT_ID_BASE])
        if instruction is None:
            foreign += 1
            offenders += _unmarked(evidence, order)
        else:
            offenders += _unasked(instruction, order)
    offenders += _unseen(evidence)
    return judge(
        1,
        looked_at=f"{counted(placed, 'venue order')}, {foreign} foreign{_not_asked(evidence)}",
        offenders=offenders,
        nothing=None if placed else "no venue order",
    )


def _not_asked(evidence: Evidence) -> str:
    """Name the accounts whose venue's own book is not among the material: nothing is said of them."""
    names = sorted(row.name for row in evidence.terminals.values() if row.active and evidence.book_of(row.id) is None)
    return f", not asked: {', '.join(names)}" if names else ""


def _our_orders(evidence: Evidence) -> Iterable[BookOrder]:
    return (order for book in evidence.books for order in book.orders if order.account in evidence.terminals)


def _unmarked(evidence: Evidence, order: BookOrder) -> list[str]:
    known = evidence.orders.get((order.account, order.client_id or f"venue:{order.venue_id}"))
    marked = known is not None and known.instruction_id is None and known.role == "foreign"
    # An order that ended before the desk first looked leaves its fills alone; those are booked and alarmed.
    recent = order.accepted_at > evidence.booked_until
    if marked or recent or not (order.live or order.filled):
        return []
    if not order.live and _booked_foreign(evidence, order):
        return []
    return [f"{order.venue_id} of {order.account} belongs to no instruction"]


def _booked_foreign(evidence: Evidence, order: BookOrder) -> bool:
    fills = [f for f in evidence.fills.values() if f.terminal_id == order.account and f.client_id == order.client_id]
    # One that a trade has was given to it by a person's decision, which names it.
    return bool(fills) and all(f.trade_id is None or (f.terminal_id, f.venue_fill_id) in evidence.asked_about for f in fills)


def _unasked(instruction: Any, order: BookOrder) -> list[str]:
    if order.account != instruction.terminal_id:
        return [f"{order.venue_id} is at {order.account}, its instruction {instruction.id} at {instruction.terminal_id}"]
    if order.client_id not in {each["client_id"] for each in instruction.orders}:
        return [f"{order.venue_id} of {order.account} was not asked for by its instruction {instruction.id}"]
    if instruction.state not in SENT_STATES:
        return [f"{order.venue_id} of {order.account} is there, though {instruction.id} is {instruction.state}"]
    return []


def _unseen(evidence: Evidence) -> list[str]:
    """An accepted instruction whose orders the venue does not know was never written, whatever the desk believes."""
    missing = []
    for instruction in evidence.instructions.values():
        book = evidence.book_of(instruction.terminal_id)
        if book is None or instruction.state != "accepted" or instruction.answered_at >= book.read_at:
            continue
        for each in instruction.orders:
            if (instruction.terminal_id, each["client_id"]) not in evidence.venue_orders:
                missing.append(f"{each['client_id']} is accepted here and unknown to {book.venue}")
    return missing


def same_fills(evidence: Evidence) -> CheckResult:
    """Check that both sides know the same fills by the venue's own ids, and say the same of each."""
    offenders: list[str] = []
    waiting = both = 0
    theirs = {(f.account, f.venue_fill_id): f for b in evidence.books for f in b.fills if f.account in evidence.terminals}
    for key, fill in theirs.items():
        booked = evidence.fills.get(key)
        if booked is None and fill.at > evidence.booked_until:
            waiting += 1
        elif booked is None:
            offenders.append(f"{fill.venue_fill_id} of {fill.account} is not booked")
        else:
            both += 1
            offenders += _differing(booked, fill)
    for key, booked in evidence.fills.items():
        book = evidence.book_of(booked.terminal_id)
        if key not in theirs and book is not None and booked.booked_at < book.read_at:
            offenders.append(f"{booked.venue_fill_id} of {booked.terminal_id} is booked and unknown to {book.venue}")
    looked_at = f"{counted(both, 'fill')} on both sides" + (f", {waiting} at the venue not yet booked" if waiting else "")
    return judge(2, looked_at=looked_at, offenders=offenders, nothing=None if theirs else "no venue fill")


def _differing(booked: Any, fill: BookFill) -> list[str]:
    ours = (booked.symbol, booked.side, booked.quantity, booked.price, booked.fee, booked.fee_currency)
    theirs = (fill.symbol, fill.side.value, fill.quantity, fill.price, fill.fee, fill.fee_currency)
    if ours == theirs and booked.client_id == fill.client_id:
        return []
    return [f"{fill.venue_fill_id} of {fill.account} is {_terse(ours)} here and {_terse(theirs)} at the venue"]


def _terse(values: tuple[object, ...]) -> str:
    return " ".join(str(value) for value in values)


def positions_are_fills(evidence: Evidence) -> CheckResult:
    """Check positions, trade sums and dust against the fills, exactly, and positions against the venue's."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for fill in evidence.fills.values():
        sums[(fill.terminal_id, fill.symbol)] += _change(evidence, fill)
    for decided in evidence.proposals:
        # What people decided to keep as a holding, or to write off, has left the position without a fill.
        sums[(decided.terminal_id, decided.symbol)] += Decimal(decided.facts["moved"])
    offenders = [
        f"{symbol} of {terminal} is {evidence.positions.get((terminal, symbol), ZERO)}, its fills {sums[(terminal, symbol)]}"
        for terminal, symbol in sorted(sums.keys() | evidence.positions.keys())
        if sums[(terminal, symbol)] != evidence.positions.get((terminal, symbol), ZERO)
    ]
    compared, differing = _against_venue(evidence)
    offenders += differing
    by_trade: dict[str, list[Any]] = defaultdict(list)
    for fill in evidence.fills.values():
        if fill.trade_id is not None:
            by_trade[fill.trade_id].append(fill)
    for trade in evidence.trades:
        offenders += _trade_sums(evidence, trade, by_trade[trade.id])
    looked_at = f"{counted(len(evidence.fills), 'fill')}, {counted(len(sums), 'position')}, {compared} equal at the venue"
    return judge(3, looked_at=looked_at, offenders=offenders, nothing=None if evidence.fills or sums else "no fill")


def _change(evidence: Evidence, fill: Any) -> Decimal:
    base_fee = fill.fee if fill.fee_currency == _base(evidence, fill.symbol) else ZERO
    signed: Decimal = fill.quantity * OrderSide(fill.side).sign - base_fee
    return signed


def _base(evidence: Evidence, symbol: str) -> str:
    known = evidence.grid.get(symbol)
    return known["base"] if known is not None else symbol.partition("/")[0]


def _against_venue(evidence: Evidence) -> tuple[int, list[str]]:
    """Compare positions of accounts whose fills both sides know; the others are on their way, or check 2 names them."""
    compared, offenders = 0, []
    for terminal_id in evidence.terminals:
        book = evidence.book_of(terminal_id)
        if book is None:
            continue
        theirs = {fill.venue_fill_id for fill in book.fills if fill.account == terminal_id}
        ours = {fill_id for account, fill_id in evidence.fills if account == terminal_id}
        if ours != theirs:
            continue
        known = (*book.positions, *evidence.positions, *evidence.holdings)
        symbols = {symbol for account, symbol in known if account == terminal_id and (account, symbol) not in evidence.asked}
        for symbol in sorted(symbols):
            key = (terminal_id, symbol)
            here = evidence.positions.get(key, ZERO) + evidence.holdings.get(key, ZERO)
            there = book.positions.get(key, ZERO)
            compared += here == there
            if here != there:
                offenders.append(f"{symbol} of {terminal_id} is {here} here and {there} at the venue")
    return compared, offenders


def _trade_sums(evidence: Evidence, trade: Any, fills: list[Any]) -> list[str]:
    entry = entry_side(Side(trade.side)).value
    base = _base(evidence, trade.symbol)
    sums: Mapping[str, Decimal] = {
        "entry_quantity": _total(_size(f) for f in fills if f.side == entry),
        "entry_cost": _total(_size(f) * f.price for f in fills if f.side == entry),
        "exit_quantity": _total(_size(f) for f in fills if f.side != entry),
        "exit_cost": _total(_size(f) * f.price for f in fills if f.side != entry),
        "fees": _total(_fee(f, base) for f in fills),
    }
    wrong = [
        f"trade {trade.number}: {name} is {getattr(trade, name)}, its fills {total}"
        for name, total in sums.items()
        if getattr(trade, name) != total
    ]
    return wrong or _remainder(evidence, trade, fills)


def _size(fill: Any) -> Decimal:
    """Return what its trade counts of a fill: of somebody else's execution it may have taken a part."""
    size: Decimal = fill.quantity if fill.taken is None else fill.taken
    return size


def _fee(fill: Any, base: str) -> Decimal:
    """Return a fee in the quote currency; one in a third currency is what it was converted to, nothing before that."""
    if fill.taken is not None or fill.fee_currency not in (base, fill.symbol.partition("/")[2]):
        return ZERO if fill.fee_counted is None else Decimal(fill.fee_counted)
    return Decimal(fill.fee * fill.price if fill.fee_currency == base else fill.fee)


def _remainder(evidence: Evidence, trade: Any, fills: list[Any]) -> list[str]:
    """What a closed trade leaves is dust, booked as such; nothing exits more than it entered."""
    left = trade.entry_quantity - trade.exit_quantity
    if left < 0:
        return [f"trade {trade.number} exited {-left} more than it entered"]
    if trade.state != "closed":
        return []
    if left != trade.dust:
        return [f"trade {trade.number} is closed with {left} left and {trade.dust} booked as dust"]
    grid = evidence.grid.get(trade.symbol)
    # What others took and no fill explains was written off by a person's decision.
    if trade.close_reason == ELSEWHERE:
        return []
    # A fee taken in the base asset is gone: nobody can sell it.
    rest = left - _total(fill.fee for fill in fills if fill.fee_currency == _base(evidence, trade.symbol))
    if grid is not None and _could_be_sold(rest, trade, grid):
        return [f"trade {trade.number} is closed with {rest} left, more than dust"]
    return []


def _could_be_sold(rest: Decimal, trade: Any, grid: Mapping[str, str]) -> bool:
    """Tell whether the venue would have taken a sale of this size at about the price of the entry."""
    worth = rest * trade.entry_cost / trade.entry_quantity if trade.entry_quantity else ZERO
    return rest >= max(Decimal(grid["min_quantity"]), Decimal(grid["step"])) and worth >= Decimal(grid["min_notional"])


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def committed_before_written(evidence: Evidence) -> CheckResult:
    """Check that each venue order's instruction was committed and claimed, with a journal row each, before the venue had it."""
    committed = {entry.at for entry in evidence.journal}
    claimed = {
        evidence.told_of(each).get("instruction"): each.at for each in evidence.journal if each.kind == "instruction.sent"
    }
    offenders, ours = [], 0
    for order in _our_orders(evidence):
        instruction = evidence.instructions.get((order.client_id or "")[:CLIENT_ID_BASE])
        if instruction is None:
            continue
        ours += 1
        if instruction.sent_at is None:
            offenders.append(f"{order.venue_id} of {order.account}: {instruction.id} was never claimed")
        elif not instruction.created_at <= instruction.sent_at <= order.accepted_at:
            offenders.append(f"{order.venue_id} of {order.account} was there before {instruction.id} was committed")
        # A journal row and what it tells of are of one unit, so they carry one time.
        elif instruction.created_at not in committed:
            offenders.append(f"{instruction.id} was committed without a journal row")
        elif claimed.get(instruction.id) != instruction.sent_at:
            offenders.append(f"{instruction.id} was claimed without a journal row")
    return judge(
        4, looked_at=counted(ours, "order"), offenders=offenders, nothing=None if ours else "no venue order of the desk's own"
    )
