"""What the doctor asks about an exchange's key: may it withdraw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.wiring import build_account
from config.groups import VenueSettings
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.doctor import Sick


def rights_of_key(name: str, venue: VenueSettings, clock: Clock) -> Callable[[], Awaitable[str | Sick]]:
    """Return the question what the key may do; one that may withdraw is a finding."""

    async def ask() -> str | Sick:
        account = build_account(name, venue, clock)
        try:
            may = await account.may_withdraw()
        except SortieError as error:
            return Sick(
                cause=f"{venue.exchange} did not say what the key may do: {error.code}", fix=f"see the check `account {name}`"
            )
        finally:
            await account.close()
        if may:
            return Sick(
                cause=f"the key may withdraw from the account at {venue.exchange}",
                fix="take that right away there, and bind the key to this machine's address; the desk never withdraws",
            )
        return "the key cannot withdraw" if may is False else f"cannot tell: {venue.exchange} does not say; look there yourself"

    return ask
