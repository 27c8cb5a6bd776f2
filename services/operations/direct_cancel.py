"""Entries cancelled at the venues themselves, past a desk that hangs or whose database is out of reach.

Nothing is committed first, which the rules allow for this alone: a cancel of an entry adds no exposure, whoever sends it twice.
The desk books what the venue did when it looks again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.domain.errors import SortieError
from services.domain.orders import CLIENT_ID_BASE, OrderSide, Purpose, VenueOrder
from services.domain.ports import Clock, Venue
from services.storage import instructions
from services.storage.database import Database, Unit

log = structlog.get_logger()
CALL_TIMEOUT_S = 10.0
_CLIENT_ID = re.compile(rf"([0-9a-hjkmnp-tv-z]{{10}})[0-9a-hjkmnp-tv-z]{{{CLIENT_ID_BASE - 10}}}[0-9]{{2}}")
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret
# An instruction's id begins with the microseconds of its making, as far as fifty bits hold them.
ID_BITS = 50
OLDEST_ENTRY = timedelta(days=90)
EntriesOf = Callable[[Sequence[VenueOrder]], Awaitable[frozenset[str]]]
"""Returns by client id which of an account's open orders are entries of the desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A terminal as a venue knows it: its account there, the name that people know, the venue's name, and its currency."""

    id: str
    name: str
    venue: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """What came of one account: the orders that work no more, and by name what is left and why; a name may be empty."""

    account: Account
    gone: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


async def cancel_entries(venues: Mapping[str, Venue], accounts: Sequence[Account], entries_of: EntriesOf) -> list[Canceled]:
    """Ask every account for its open orders and cancel the entries among them; none waits for another."""
    return list(await asyncio.gather(*(_at(venues.get(each.venue), each, entries_of) for each in accounts)))


def by_the_books(database: Database) -> EntriesOf:
    """Return what finds entries by the instructions that the desk committed."""

    async def entries_of(working: Sequence[VenueOrder]) -> frozenset[str]:
        names = [order.client_id for order in working if order.client_id]
        return await database.read(lambda unit: frozenset(name for name in names if _is_entry(unit, name)))

    return entries_of


def by_their_looks(clock: Clock) -> EntriesOf:
    """Return what finds entries without the desk's books: purchases whose client id the desk could have made lately.

    That is enough where a terminal only buys to open, as every exchange's terminal does.
    """

    async def entries_of(working: Sequence[VenueOrder]) -> frozenset[str]:
        bought = [order.client_id for order in working if order.side is OrderSide.BUY and order.client_id]
        return frozenset(name for name in bought if _made_by_us(name, clock.now()))

    return entries_of


def _is_entry(unit: Unit, name: str) -> bool:
    found = instructions.find(unit, name[:CLIENT_ID_BASE])
    return found is not None and found.purpose is Purpose.ENTRY


def _made_by_us(client_id: str, now: datetime) -> bool:
    found = _CLIENT_ID.fullmatch(client_id)
    if found is None:
        return False
    made = 0
    for letter in found[1]:
        made = made * 32 + _LETTERS.index(letter)
    age_us = (int(now.timestamp() * 1_000_000) - made) % 2**ID_BITS
    return timedelta(microseconds=age_us) <= OLDEST_ENTRY


async def _at(venue: Venue | None, account: Account, entries_of: EntriesOf) -> Canceled:
    if venue is None:
        return Canceled(account=account, gone=(), left=(("", f"no venue {account.venue} is set up here"),))
    asked: dict[str, str] = {}
    try:
        await asyncio.wait_for(venue.open_account(account.id, account.currency), CALL_TIMEOUT_S)
        working = await _working(venue, account)
        entries = await entries_of(working)
        asked = {order.client_id: order.symbol for order in working if order.client_id in entries and order.client_id}
        refused = dict([await _cancel(venue, account, symbol, name) for name, symbol in asked.items()])
        still = {order.client_id for order in await _working(venue, account)}
    except (SortieError, TimeoutError) as error:
        reason = f"the venue does not answer: {str(error) or type(error).__name__}"
        return Canceled(account=account, gone=(), left=tuple((name, reason) for name in asked or [""]))
    left = tuple((name, refused[name] or "cancelled, and still there") for name in asked if name in still)
    return Canceled(account=account, gone=tuple(name for name in asked if name not in still), left=left)


async def _working(venue: Venue, account: Account) -> Sequence[VenueOrder]:
    return await asyncio.wait_for(venue.open_orders(account.id), CALL_TIMEOUT_S)


async def _cancel(venue: Venue, account: Account, symbol: str, name: str) -> tuple[str, str]:
    """Cancel one order and return why not, empty when the venue took it."""
    try:
        await asyncio.wait_for(venue.cancel(account.id, symbol, [name]), CALL_TIMEOUT_S)
    except (SortieError, TimeoutError) as error:
        log.warning("kill.direct.failed", account=account.id, order=name, error=str(error) or type(error).__name__)
        return name, str(error) or type(error).__name__
    return name, ""
