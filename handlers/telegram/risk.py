"""Risk and the kill switch."""

from __future__ import annotations

from html import escape

from handlers.telegram.app import App
from handlers.telegram.callbacks import DeskButton, DeskVerb, ListName
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.questions import HALT_REASONS, flatten_question, halt_reasons, resume_question, resumed
from services.domain.errors import NotFound, Refused
from services.domain.people import Role
from services.domain.states import HaltState

FLATTEN = "flatten"


class RiskHandlers:
    """Commands and taps about limits and halts."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("risk")
        risk, news = self._lists.command(ListName.RISK), self._lists.command(ListName.NEWS)
        return (
            row("risk", "Limits and their use", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, risk),
            row("news", "Events, blackouts, headlines", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, news),
            row("halt", "Stop the desk's entries now", "[reason]", Role.TRADER, Kind.SAFETY, Where.ANYWHERE, self.halt),
            row("kill", "Halt; flatten sells all", "[flatten] [reason]", Role.TRADER, Kind.SAFETY, Where.ANYWHERE, self.kill),
            row("reduce", "Exits only, desk-wide", "[reason]", Role.TRADER, Kind.SAFETY, Where.ANYWHERE, self.reduce),
            row("stop", "Stop my own entries", "[reason]", Role.TRADER, Kind.SAFETY, Where.ANYWHERE, self.stop),
            row("resume", "Lift a halt", "[RESUME]", Role.TRADER, Kind.ACT, Where.ANYWHERE, self.resume),
        )

    async def halt(self, request: Request) -> None:
        """Halt at once; the reason may follow."""
        await self._throw(request, HaltState.HALTED, request.args)

    async def kill(self, request: Request) -> None:
        """Halt at once; behind the word ``flatten`` a commander is asked whether all positions are to be sold as well."""
        word, _, reason = request.args.partition(" ")
        if word.lower() != FLATTEN:
            await self._throw(request, HaltState.HALTED, request.args)
            return
        await self._throw(request, HaltState.HALTED, reason or FLATTEN)
        await self._ask_flatten(request)

    async def reduce(self, request: Request) -> None:
        """Let only exits through."""
        await self._throw(request, HaltState.REDUCING, request.args)

    async def stop(self, request: Request) -> None:
        """Stop the entries of the person who asks."""
        halted = await self._app.trading.halt.myself(request.actor, request.args)
        said = "already stopped" if halted.already else "stopped"
        text = f"Your entries are {said}. {halted.withdrawn} taken back, protection stays.\n/resume lifts it."
        await request.reply(Rendered(text=text))

    async def resume(self, request: Request) -> None:
        """Show what would be lifted, or lift it with the typed word; without a desk halt, one's own stop."""
        resume = self._app.trading.resume
        if request.args:
            await request.reply(resumed(await resume(request.actor, None, request.args)))
            return
        try:
            asked = await resume.ask(request.actor)
        except Refused as error:
            if error.code != "NOT_HALTED":
                raise
            await resume.myself(request.actor)
            await request.reply(Rendered(text="Your stop is lifted."))
            return
        percent = await self._app.risk_percent(asked.open_risk)
        await request.reply(resume_question(asked, f"{asked.halt.since:%d %b %H:%M} UTC", percent))

    async def tap(self, request: Request, button: DeskButton) -> None:
        """Carry out a tap on the desk's own buttons."""
        match button.verb:
            case DeskVerb.HALT:
                await self._throw(request, HaltState.HALTED, "")
            case DeskVerb.HALT_REASON:
                index = int(button.arg) if button.arg.isdigit() else -1
                if not 0 <= index < len(HALT_REASONS):
                    raise NotFound("BUTTON")
                halt = await self._app.trading.halt.give_reason(request.actor, HALT_REASONS[index])
                await request.show(Rendered(text=f"The desk is {halt.state.value}: {escape(halt.reason)}."))
            case DeskVerb.RESUME:
                asked = await self._app.trading.resume.ask(request.actor)
                percent = await self._app.risk_percent(asked.open_risk)
                await request.reply(resume_question(asked, f"{asked.halt.since:%d %b %H:%M} UTC", percent))
            case DeskVerb.FLATTEN:
                await self._ask_flatten(request)
            case DeskVerb.HALT_DETAILS:
                await self._lists.show(request, ListName.RISK)
            case DeskVerb.MENU:
                await request.show(await self._app.menu(request))

    async def flatten_tap(self, request: Request, token: str) -> None:
        """Sell every position: the second tap."""
        halted = await self._app.trading.flatten(request.actor, token, FLATTEN)
        positions = "1 position" if halted.protected == 1 else f"{halted.protected} positions"
        await request.show(Rendered(text=f"Selling {positions} at market. The halt card shows how it ends and what is left."))

    async def _ask_flatten(self, request: Request) -> None:
        asked = await self._app.trading.flatten.ask(request.actor)
        worth = asked.notional[0].amount if len(asked.notional) == 1 else None
        percent = await self._app.risk_percent(worth) if request.is_group and worth is not None else None
        await request.reply(flatten_question(asked, percent, private=not request.is_group))

    async def _throw(self, request: Request, state: HaltState, reason: str) -> None:
        halted = await self._app.trading.halt(request.actor, state, reason)
        word = halted.halt.state.value
        if halted.already:
            if reason and halted.halt.by_id == request.actor.id:
                await self._app.trading.halt.give_reason(request.actor, reason)
            await request.toast(f"The desk is {word} already, by {halted.halt.by_name}.")
            return
        if request.callback_id is not None:
            await request.toast(f"The desk is {word}.")
        # The card itself is on its way: to this chat, where risk is told, and to every trader.
        if not reason:
            await request.reply(halt_reasons(halted.halt.state))
        elif request.is_group:
            await request.reply(Rendered(text=f"The desk is {word}: {escape(halted.halt.reason)}"))
