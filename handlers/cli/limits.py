"""``sortie limits``: the limits in force, from the settings and the database; nothing is changed by it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from config.limits import RiskSettings
from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError
from services.domain.limits import RULES, Limit, LimitBook, Scope
from services.domain.money import canonical
from services.domain.ports import Clock
from services.operations.places import shell_database
from services.risk.limits import book_of, limits_in_force, value_in

SHOWN, NOT_READ = 0, 2
OFF = "off"


def show_limits(settings: Settings, clock: Clock, *, json: bool) -> int:
    """Print every limit with its value, where it stands, and what the settings say where a change stands over it."""
    try:
        book = asyncio.run(_read(settings, clock))
    except SortieError as error:
        say(explain(error), error=True)
        return NOT_READ
    lines = list(_lines(book, settings.risk))
    if json:
        say_json([dict(zip(("limit", "scope", "subject", "value", "setting", "code"), line, strict=True)) for line in lines])
        return SHOWN
    say_rows([(line[0], f"{line[1]} {line[2]}".strip(), line[3], _over(line[3], line[4])) for line in lines])
    return SHOWN


async def _read(settings: Settings, clock: Clock) -> LimitBook:
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await database.read(lambda unit: limits_in_force(unit, book_of(settings.risk)))


def _lines(book: LimitBook, settings: RiskSettings) -> Sequence[tuple[str, str, str, str, str, str]]:
    file = book_of(settings)
    places = [(limit, Scope.DESK, "") for limit in Limit]
    places += [(each.limit, each.scope, each.subject) for each in (*book.scoped, *file.scoped)]
    order = {place: None for limit in Limit for place in places if place[0] is limit}
    return [
        (
            limit.value,
            scope.value,
            subject,
            _written(value_in(book, *place)),
            _written(value_in(file, *place)),
            RULES[limit].code.value,
        )
        for place in order
        for limit, scope, subject in (place,)
    ]


def _over(value: str, setting: str) -> str:
    return "" if value == setting else f"over {setting} in the settings"


def _written(value: Decimal | None) -> str:
    return OFF if value is None else canonical(value)
