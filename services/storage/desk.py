"""The desk's own rows: leases, stages, duties, requests, universes, strategies and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, update

from services.domain.journal import JournalEntry
from services.domain.market import Instrument, Tier, Universe
from services.domain.money import canonical
from services.domain.screening import Finding, Screened
from services.domain.signals import StrategyState
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import duties, journal, leases, requests, stages, strategies, universes

_OUR_LEASE = update(leases).where(
    leases.c.role == bindparam("held_role"), leases.c.owner == bindparam("holder"), leases.c.epoch == bindparam("held_epoch")
)
_LEASE = select(leases).where(leases.c.role == bindparam("held_role"))
_HELD = _LEASE.where(leases.c.expires_at > bindparam("now"))
_UNDONE = (
    select(duties).where(duties.c.name.startswith(bindparam("prefix")), duties.c.done_at.is_(None)).order_by(duties.c.due_at)
)
_DUE = _UNDONE.where(duties.c.due_at <= bindparam("now"))
_AHEAD = _UNDONE.where(duties.c.due_at > bindparam("now"))
_STRATEGIES = select(strategies)
_HEAD = select(journal).order_by(journal.c.sequence.desc()).limit(1)
_OPEN_REQUESTS = select(requests).where(requests.c.done_at.is_(None)).order_by(requests.c.created_at)
_UNIVERSES = select(universes.c.version, universes.c.digest).order_by(universes.c.version.desc())
_NEWEST_UNIVERSE = _UNIVERSES.limit(1)
_GRIDS = select(universes.c.instruments).where(universes.c.version == bindparam("number"))
# A snapshot never changes, and reading its grids anew for each decision would cost more than the decision.
_GRIDS_KEPT = 8
_grids: dict[str, tuple[Instrument, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds a role, until when, and under which epoch."""

    role: str
    owner: str
    epoch: int
    expires_at: datetime


def take_lease(unit: Unit, role: str, owner: str, seconds: float, *, force: bool = False) -> Lease | None:
    """Take a role that is free, expired or ours; ``force`` when the old owner is proven dead. None when it is held.

    A forced lease has a new epoch whatever the owners are called: in containers every desk is process 1 of one host name.
    """
    row = unit.first(_LEASE, held_role=role)
    if row is not None and row.owner != owner and row.expires_at > unit.now and not force:
        return None
    epoch = 1 if row is None else row.epoch + (force or row.owner != owner)
    expires_at = unit.now + timedelta(seconds=seconds)
    upsert(unit, leases, {"role": role}, {"owner": owner, "epoch": epoch, "expires_at": expires_at})
    return Lease(role=role, owner=owner, epoch=epoch, expires_at=expires_at)


def renew_lease(unit: Unit, lease: Lease, seconds: float) -> bool:
    """Extend a lease that is still ours; False when another took it."""
    return _move_end(unit, lease, unit.now + timedelta(seconds=seconds))


def release_lease(unit: Unit, lease: Lease) -> None:
    """End a lease now."""
    _move_end(unit, lease, unit.now)


def _move_end(unit: Unit, lease: Lease, expires_at: datetime) -> bool:
    ours = {"held_role": lease.role, "holder": lease.owner, "held_epoch": lease.epoch}
    return unit.run(_OUR_LEASE, {**ours, "expires_at": expires_at}).rowcount == 1


def holder(unit: Unit, role: str) -> Lease | None:
    """Return who holds a role now, or None."""
    row = unit.first(_HELD, held_role=role, now=unit.now)
    return Lease(role=row.role, owner=row.owner, epoch=row.epoch, expires_at=row.expires_at) if row else None


def save_stages(unit: Unit, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Store what each stage last said of itself."""
    for name, values in rows.items():
        upsert(unit, stages, {"name": name}, values)


def all_stages(unit: Unit) -> list[Any]:
    """Return the stage rows."""
    return list(unit.all(select(stages).order_by(stages.c.name)))


def schedule(unit: Unit, name: str, due_at: datetime, terms: Mapping[str, object]) -> bool:
    """Store a duty once by its name; False when it is there already, done or not."""
    return insert_once(unit, duties, {"name": name, "due_at": due_at, "done_at": None, "terms": dict(terms)})


def due(unit: Unit, prefix: str) -> list[Any]:
    """Return duties of a kind whose time has come and that are not done, oldest first."""
    return list(unit.all(_DUE, prefix=prefix, now=unit.now))


def ahead(unit: Unit, prefix: str) -> list[Any]:
    """Return duties of a kind whose time has not come, soonest first."""
    return list(unit.all(_AHEAD, prefix=prefix, now=unit.now))


def next_due(unit: Unit, prefix: str) -> datetime | None:
    """Return when the next duty of a kind is due."""
    where = (duties.c.name.startswith(prefix), duties.c.done_at.is_(None))
    at: datetime | None = unit.connection.scalar(select(duties.c.due_at).where(*where).order_by(duties.c.due_at).limit(1))
    return at


def finish_duty(unit: Unit, name: str) -> bool:
    """Mark a duty done by compare-and-set; tell whether this call did it."""
    where = (duties.c.name == name, duties.c.done_at.is_(None))
    return unit.run(update(duties).where(*where).values(done_at=unit.now)).rowcount == 1


def add_request(unit: Unit, request_id: str, kind: str, terms: Mapping[str, object], actor: str, correlation: str) -> None:
    """Store longer work that a person or the shell asked for."""
    unit.run(
        insert(requests).values(
            id=request_id, kind=kind, terms=dict(terms), actor=actor, correlation=correlation, created_at=unit.now
        )
    )
    unit.wake("requests")


def open_requests(unit: Unit) -> list[Any]:
    """Return the request rows that wait, oldest first."""
    return list(unit.all(_OPEN_REQUESTS))


def finish_request(unit: Unit, request_id: str) -> bool:
    """Mark a request done by compare-and-set; tell whether this call did it."""
    where = (requests.c.id == request_id, requests.c.done_at.is_(None))
    return unit.run(update(requests).where(*where).values(done_at=unit.now)).rowcount == 1


def save_universe(unit: Unit, instruments: tuple[Instrument, ...], screened: Sequence[Screened] = ()) -> Universe:
    """Store a snapshot when it says something new, and return the one in force.

    ``screened`` says of every watched instrument why it is in or left out; it is stored with the snapshot and no part of its
    hash.
    """
    newest = current_universe(unit)
    fresh = Universe(version=newest.version + 1 if newest else 1, instruments=instruments)
    if newest is not None and newest.digest == fresh.digest:
        return newest
    why = {each.instrument.symbol: [_dump_finding(said) for said in each.findings] for each in screened}
    left_out = [each.instrument for each in screened if not each.listed]
    rows = [_dump_instrument(i) | {"why": why.get(i.symbol, [])} for i in instruments]
    rows += [_dump_instrument(i) | {"why": why[i.symbol], "listed": False} for i in left_out]
    unit.run(insert(universes).values(version=fresh.version, digest=fresh.digest, instruments=rows, created_at=unit.now))
    return fresh


def _dump_instrument(instrument: Instrument) -> dict[str, Any]:
    most = instrument.max_quantity
    return {
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "tick": canonical(instrument.tick),
        "step": canonical(instrument.step),
        "min_quantity": canonical(instrument.min_quantity),
        "min_notional": canonical(instrument.min_notional),
        "max_quantity": None if most is None else canonical(most),
        "tier": instrument.tier.value,
    }


def _dump_finding(finding: Finding) -> dict[str, Any]:
    value, bound = finding.value, finding.bound
    return {
        "filter": finding.name,
        "passed": finding.passed,
        "value": None if value is None else canonical(value),
        "bound": None if bound is None else canonical(bound),
        "about": finding.about,
    }


def current_universe(unit: Unit) -> Universe | None:
    """Return the newest snapshot, or None before the first."""
    row = unit.first(_NEWEST_UNIVERSE)
    return _universe(unit, row) if row is not None else None


def universe_with(unit: Unit, symbols: Iterable[str]) -> Universe | None:
    """Return the newest snapshot, and in it the last known grid of each of these symbols that has left it since."""
    newest = current_universe(unit)
    if newest is None:
        return None
    missing = set(symbols) - {each.symbol for each in newest.instruments}
    gone: list[Instrument] = []
    for row in unit.all(_UNIVERSES) if missing else ():
        found = [each for each in _universe(unit, row).instruments if each.symbol in missing]
        gone += found
        missing -= {each.symbol for each in found}
        if not missing:
            break
    return replace(newest, instruments=(*newest.instruments, *gone)) if gone else newest


def _universe(unit: Unit, row: Any) -> Universe:
    known = _grids.get(row.digest)
    if known is None:
        stored = unit.first(_GRIDS, number=row.version).instruments
        known = tuple(_instrument(each) for each in stored if each.get("listed", True))
        if len(_grids) >= _GRIDS_KEPT:
            _grids.clear()
        _grids[row.digest] = known
    return Universe(version=row.version, instruments=known)


def _instrument(stored: Mapping[str, Any]) -> Instrument:
    most = stored.get("max_quantity")
    return Instrument(
        symbol=stored["symbol"],
        base=stored["base"],
        quote=stored["quote"],
        tick=Decimal(stored["tick"]),
        step=Decimal(stored["step"]),
        min_quantity=Decimal(stored["min_quantity"]),
        min_notional=Decimal(stored["min_notional"]),
        max_quantity=Decimal(most) if most is not None else None,
        tier=Tier(stored["tier"]),
    )


def strategy_states(unit: Unit) -> dict[str, StrategyState]:
    """Return the state of every strategy that the desk has known."""
    return {row.name: StrategyState(row.state) for row in unit.all(_STRATEGIES)}


def set_strategy(unit: Unit, name: str, state: StrategyState, *, by: int | None) -> None:
    """Set a strategy's state."""
    upsert(unit, strategies, {"name": name}, {"state": state.value, "changed_by": by, "changed_at": unit.now})


def journal_head(unit: Unit) -> JournalEntry | None:
    """Return the newest row of the chain, or None."""
    row = unit.first(_HEAD)
    return journal_entry(row) if row else None


def journal_after(unit: Unit, sequence: int, limit: int) -> list[JournalEntry]:
    """Return rows of the chain after a sequence number, oldest first."""
    rows = unit.all(select(journal).where(journal.c.sequence > sequence).order_by(journal.c.sequence).limit(limit))
    return [journal_entry(row) for row in rows]


def journal_of(unit: Unit, correlation: str) -> list[JournalEntry]:
    """Return everything recorded under one correlation id, oldest first."""
    rows = unit.all(select(journal).where(journal.c.correlation == correlation).order_by(journal.c.sequence))
    return [journal_entry(row) for row in rows]


def journal_about(unit: Unit, trade: int, correlation: str, since: datetime) -> list[JournalEntry]:
    """Return what was recorded about a trade, by its number, and under the id of its tap, oldest first.

    ``since`` is when it was tapped: no row from before can name it.
    """
    where = or_(journal.c.correlation == correlation, _names("trade", trade, since))
    return _in_order(unit.all(select(journal).where(where)))


def journal_about_mission(unit: Unit, mission: int, since: datetime) -> list[JournalEntry]:
    """Return what was recorded about a mission, by its number, since it was opened, oldest first."""
    return _in_order(unit.all(select(journal).where(_names("mission", mission, since))))


def _in_order(rows: Iterable[Any]) -> list[JournalEntry]:
    """Sort here: asked for the order, SQLite walks the whole chain to have it rather than use the index of the rows."""
    return sorted((journal_entry(row) for row in rows), key=lambda entry: entry.sequence)


def _names(what: str, number: int, since: datetime) -> ColumnElement[bool]:
    """Match the rows since a time whose facts name something by its number."""
    named = [journal.c.facts.contains(f'"{what}":{number}{end}', autoescape=True) for end in (",", "}")]
    return and_(journal.c.at >= since, or_(*named))


def last_recorded(unit: Unit, *kinds: str, actor: str | None = None, saying: str = "") -> JournalEntry | None:
    """Return the newest row of any of these kinds, by one actor or anyone, whose facts contain a text, or None."""
    newest: JournalEntry | None = None
    for kind in kinds:
        statement = select(journal).where(journal.c.kind == kind).order_by(journal.c.sequence.desc()).limit(1)
        if actor is not None:
            statement = statement.where(journal.c.actor == actor)
        row = unit.first(statement.where(journal.c.facts.contains(saying, autoescape=True)) if saying else statement)
        if row is not None and (newest is None or row.sequence > newest.sequence):
            newest = journal_entry(row)
    return newest


def journal_at(unit: Unit, at: datetime) -> list[JournalEntry]:
    """Return what was committed at one moment, in its order."""
    rows = unit.all(select(journal).where(journal.c.at == at).order_by(journal.c.sequence))
    return [journal_entry(row) for row in rows]


def count_journal(unit: Unit) -> int:
    """Count the rows of the chain."""
    return int(unit.first(select(func.count().label("n")).select_from(journal)).n)


def journal_entry(row: Any) -> JournalEntry:
    """Read one row of the chain."""
    return JournalEntry(
        sequence=row.sequence,
        at=row.at,
        actor=row.actor,
        kind=row.kind,
        correlation=row.correlation,
        facts=row.facts,
        previous=row.previous,
        hash=row.hash,
    )
