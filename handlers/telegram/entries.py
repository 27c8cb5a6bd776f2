"""Entries that wait: moved to another price; and how entries go on each instrument."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton, TradeButton, TradeVerb
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.request import Request
from handlers.telegram.views.entering import amend_menu
from handlers.telegram.views.errors import render_error, toast
from handlers.telegram.views.format import price
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.routes import render_routes
from services.access.authority import find_trade
from services.domain.entries import near_of
from services.domain.errors import Refused
from services.domain.people import Role
from services.missions.amend import AmendDenied
from services.missions.entries import parse_price

AMENDS = frozenset({TradeVerb.AMEND_MENU, TradeVerb.AMEND})


class EntryHandlers:
    """Commands and taps about entries."""

    def __init__(self, app: App) -> None:
        self._app = app

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("entries")
        return (
            row("amend", "Move a resting entry", "trade price", Role.TRADER, Kind.ACT, Where.ANYWHERE, self.amend),
            row("routes", "How entries go, by instrument", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.routes),
        )

    async def amend(self, request: Request) -> None:
        """Move the named trade's entry to a price."""
        number, _, wanted = request.args.partition(" ")
        if not number or not wanted.strip():
            raise Refused("AMEND_SYNTAX", value=request.args[:20])
        await self._move(request, number, wanted)

    async def routes(self, request: Request) -> None:
        """List what was measured of entries."""
        await request.reply(render_routes(await self._app.trading.routes.shown(request.actor)))

    async def apply(self, request: Request, button: ChoiceButton) -> None:
        """Put a suggested offset into force, and show the list again."""
        venue, _, symbol = button.key.partition("|")
        row = await self._app.trading.routes.apply(request.actor, venue, symbol, button.value)
        await request.toast(f"{row.symbol} rests {button.value} bps behind the price from now on.")
        await request.show(render_routes(await self._app.trading.routes.shown(request.actor)))

    async def tap(self, request: Request, button: TradeButton) -> None:
        """Show where an entry could move, or move it."""
        if button.verb is TradeVerb.AMEND:
            await self._move(request, button.trade, button.arg)
            return
        trade = await self._app.database.read(lambda unit: find_trade(unit, request.actor, button.trade))
        quote = self._app.live().quote(trade.symbol)
        await request.show(amend_menu(trade, near_of(quote, trade.side) if quote is not None else None))

    async def _move(self, request: Request, reference: str, wanted: str) -> None:
        outcome = await self._app.trading.amend(request.actor, reference, parse_price(wanted))
        if isinstance(outcome, AmendDenied):
            code, values = outcome.check.code.value, self._app.check_values(outcome.check)
            if request.callback_id is not None:
                await request.toast(toast(code, values), alert=True)
            else:
                await request.reply(render_error(code, values))
            return
        said = f"The entry of #{outcome.trade.number} moves to {price(outcome.price)}."
        if request.callback_id is not None:
            await request.toast(said)
        else:
            await request.reply(Rendered(text=said))
