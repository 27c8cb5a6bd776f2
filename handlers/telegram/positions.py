"""Trades and money: positions, orders, closes, balance and results."""

from __future__ import annotations

from decimal import Decimal

from handlers.telegram.app import App
from handlers.telegram.callbacks import ListName, TradeButton, TradeVerb
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.format import price
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.proof import TIMES, render_proof, render_rules, render_times, rules_page
from handlers.telegram.views.questions import close_question, stop_menu
from handlers.telegram.views.story import render_story, story_page
from handlers.telegram.views.trades import reason_menu
from handlers.telegram.views.words import trail_words
from services.access.authority import find_trade
from services.domain.cards import trade_card
from services.domain.decisions import FIRE_REASONS
from services.domain.errors import NotFound, Refused
from services.domain.people import Role
from services.reporting.proof import read_proof
from services.reporting.story import story_of

HALF = Decimal("0.5")
ALL = Decimal(1)


class PositionHandlers:
    """Commands and taps about trades."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("positions")
        listing = self._lists.command
        return (
            row("positions", "Open trades", "", Role.OBSERVER, Kind.READ, Where.MONEY, listing(ListName.POSITIONS)),
            row("orders", "Orders at the venue", "", Role.OBSERVER, Kind.READ, Where.MONEY, listing(ListName.ORDERS)),
            row("cancel", "Take back an unfilled entry", "[trade]", Role.TRADER, Kind.SAFETY, Where.ANYWHERE, self.cancel),
            row("close", "Close a trade, or half of it", "trade [half]", Role.TRADER, Kind.ACT, Where.MONEY, self.close),
            row("proof", "What a trade was planned and came to", "trade", Role.TRADER, Kind.READ, Where.MONEY, self.proof),
            row("closeall", "Close all of your trades", "", Role.TRADER, Kind.ACT, Where.MONEY, self.close_all),
            row("balance", "Accounts", "", Role.OBSERVER, Kind.READ, Where.MONEY, listing(ListName.BALANCE)),
            row("pnl", "Results by day, week, month", "[days]", Role.OBSERVER, Kind.READ, Where.MONEY, listing(ListName.PNL)),
            row("history", "Closed trades", "", Role.OBSERVER, Kind.READ, Where.MONEY, listing(ListName.HISTORY)),
        )

    async def cancel(self, request: Request) -> None:
        """Take back one entry, or all of one's own."""
        taken = await self._app.trading.cancel(request.actor, request.args or None)
        numbers = ", ".join(f"#{trade.number}" for trade in taken)
        await request.reply(Rendered(text=f"Taking back {numbers}."))

    async def close(self, request: Request) -> None:
        """Ask before closing the named trade."""
        number, _, part = request.args.partition(" ")
        if not number:
            await self._lists.show(request, ListName.POSITIONS)
            return
        if part.strip().lower() not in ("", "half", "½"):
            raise Refused("CLOSE_SYNTAX", value=part[:20])
        actor = self._app.in_private(request.actor)
        asked = await self._app.trading.ask_close(actor, number, HALF if part else ALL)
        await request.reply(close_question(asked))

    async def proof(self, request: Request) -> None:
        """Show the proof of the named trade."""
        if not request.args:
            raise Refused("PROOF_SYNTAX")
        await self._proof(request, request.args)

    async def close_all(self, request: Request) -> None:
        """Ask before closing everything of one's own."""
        asked = await self._app.trading.ask_close.all_of_mine(self._app.in_private(request.actor))
        await request.reply(close_question(asked))

    async def tap(self, request: Request, button: TradeButton) -> None:
        """Carry out a tap on a trade's card."""
        match button.verb:
            case TradeVerb.CARD:
                await self._app.show_card(request, trade_card(button.trade))
            case TradeVerb.CLOSE | TradeVerb.HALF:
                share = HALF if button.verb is TradeVerb.HALF else ALL
                await request.show(close_question(await self._app.trading.ask_close(request.actor, button.trade, share)))
            case TradeVerb.BREAK_EVEN:
                await self._move(request, button.trade, "be")
            case TradeVerb.STOP_R:
                await self._move(request, button.trade, f"r:{button.arg}")
            case TradeVerb.TRAIL:
                await self._trail(request, button.trade, button.arg)
            case TradeVerb.STOP_MENU:
                trade = await self._app.database.read(lambda unit: find_trade(unit, request.actor, button.trade))
                await request.show(stop_menu(trade))
            case TradeVerb.PROOF if (page := story_page(button.arg)) is not None:
                story = await self._app.database.read(
                    lambda unit: story_of(unit, find_trade(unit, request.actor, button.trade))
                )
                await request.show(render_story(story, page))
            case TradeVerb.PROOF:
                await self._proof(request, button.trade, button.arg)
            case TradeVerb.REASON:
                await self._explain(request, button)
            case TradeVerb.CANCEL:
                await self._app.trading.cancel(request.actor, button.trade)
                await request.toast("Taking the entry back.")

    async def _explain(self, request: Request, button: TradeButton) -> None:
        """Offer the reasons of a fire, or take the one that was tapped; the card shows it."""
        if not button.arg:
            trade = await self._app.database.read(lambda unit: find_trade(unit, request.actor, button.trade))
            await request.show(reason_menu(trade))
            return
        index = int(button.arg) if button.arg.isdigit() else -1
        if not 0 <= index < len(FIRE_REASONS):
            raise NotFound("BUTTON")
        await self._app.trading.explain(request.actor, button.trade, FIRE_REASONS[index])
        await request.toast(f"Fired for: {FIRE_REASONS[index]}.")

    async def _move(self, request: Request, trade_id: str, where: str) -> None:
        trade = await self._app.trading.move_stop(request.actor, trade_id, where)
        await request.toast(f"Stop moves to {price(trade.stop)}.")

    async def _trail(self, request: Request, trade_id: str, arg: str) -> None:
        trade = await self._app.trading.choose_trail(request.actor, trade_id, arg)
        words = trail_words(trade.keep)
        await request.toast(f"The stop {words}." if words else "The stop stays where it is.")

    async def _proof(self, request: Request, trade_id: str, arg: str = "") -> None:
        live = self._app.live()

        def body(unit):  # type: ignore[no-untyped-def]
            find_trade(unit, request.actor, trade_id)
            return read_proof(unit, trade_id, live)

        proof = await self._app.database.read(body)
        if proof is None:
            raise NotFound("TRADE", reference=trade_id)
        await self._app.tick(request.actor.id, "proof")
        page = rules_page(arg)
        rules = render_rules(proof, page) if page is not None else None
        await request.show(rules or (render_times(proof) if arg == TIMES else render_proof(proof)))
