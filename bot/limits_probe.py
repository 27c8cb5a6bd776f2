"""The doctor's question about limits: whether everything that narrower values are set for is there."""

from __future__ import annotations

from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.ports import Clock
from services.operations.doctor import Sick
from services.operations.places import shell_database
from services.risk.limits import book_of, unbound


async def ask_limits(settings: Settings, clock: Clock) -> str | Sick:
    """Say how many narrower values there are, or which name nothing and so bind nothing."""
    book = book_of(settings.risk)
    try:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            lost = await database.read(lambda unit: unbound(unit, book))
    except Misconfigured:
        return "nothing stored yet"
    if not lost:
        return f"{len(book.scoped)} narrower values"
    names = ", ".join(f"{each.limit.value} of {each.scope.value} {each.subject}" for each in lost)
    return Sick(cause=f"[[risk.scoped]] names what there is not: {names}", fix="correct the subject, or remove the value")
