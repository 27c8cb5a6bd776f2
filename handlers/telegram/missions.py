"""Missions: look, fire, skip, call."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.callbacks import ListName, MissionButton, MissionVerb
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.lists import Lists
from handlers.telegram.request import Request
from handlers.telegram.views.entering import render_how
from handlers.telegram.views.errors import toast
from handlers.telegram.views.format import city, local
from handlers.telegram.views.message import Button, Rendered
from handlers.telegram.views.missions import render_why
from handlers.telegram.views.preview import render_checks
from handlers.telegram.views.questions import skip_reasons
from services.domain.cards import mission_card, preview_card
from services.domain.entries import EntryKind
from services.domain.errors import NotFound
from services.domain.people import Role
from services.missions.call import parse_call
from services.missions.entries import HOW_WORDS, EntryWish, parse_wish
from services.missions.planning import find_mission
from services.missions.preview import Previewed
from services.missions.skip import REASONS
from services.reporting.cards import mission_view, preview_view
from services.reporting.preview_view import PreviewView


class MissionHandlers:
    """Commands and taps about missions."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("missions")
        return (
            row("missions", "Open missions", "", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.missions),
            row("mission", "One mission", "[number]", Role.OBSERVER, Kind.READ, Where.ANYWHERE, self.mission),
            row(
                "fire",
                "Preview a mission and fire it",
                "[number] [rest|maker|stop ...] [price]",
                Role.TRADER,
                Kind.ACT,
                Where.ANYWHERE,
                self.fire,
            ),
            row("skip", "Pass on a mission", "[number] [reason]", Role.TRADER, Kind.ACT, Where.ANYWHERE, self.skip),
            row(
                "call",
                "Call a trade of your own",
                "BTCUSDT long sl 63200 tp 65300 66400",
                Role.TRADER,
                Kind.ACT,
                Where.ANYWHERE,
                self.call,
            ),
        )

    async def missions(self, request: Request) -> None:
        """List open missions."""
        await self._lists.show(request, ListName.MISSIONS)

    async def mission(self, request: Request) -> None:
        """Show one mission's card again, here."""
        mission = await self._app.database.read(lambda unit: find_mission(unit, request.args or None))
        await self._app.show_card(request, mission_card(mission.id))

    async def fire(self, request: Request) -> None:
        """Open the preview of a mission, the newest when none is named."""
        reference, wish = _asked(request.args)
        await self._open_preview(request, reference, "full", anew=True, wish=wish)

    async def skip(self, request: Request) -> None:
        """Pass on a mission, with a reason when one is given."""
        number, _, reason = request.args.partition(" ")
        mission = await self._app.trading.skip(request.actor, number or None, reason.strip() or None)
        await request.reply(skip_reasons(mission) if not reason else Rendered(text=f"Skipped #{mission.number}."))

    async def call(self, request: Request) -> None:
        """Make a mission of a person's own call and open its preview."""
        mission = await self._app.call(request.actor, parse_call(request.args))
        await self._app.trading.preview(request.actor, mission.id)

    async def tap(self, request: Request, button: MissionButton) -> None:
        """Carry out a tap on a mission or its preview."""
        match button.verb:
            case MissionVerb.FIRE:
                await self._pressed(request, await self._app.trading.preview.press(request.actor, button.mission))
            case MissionVerb.SIZE:
                await self._open_preview(request, button.mission, button.arg or "full", anew=False)
            case MissionVerb.HOW:
                await self._how(request, button)
            case MissionVerb.TERMINAL:
                place = int(button.arg) if button.arg.isdigit() else 0
                await self._open_preview(request, button.mission, "full", anew=False, terminal=place)
            case MissionVerb.CHECKS:
                await self._checks(request, button.mission, int(button.arg) if button.arg.isdigit() else 1)
            case MissionVerb.CARD:
                await self._app.show_card(request, preview_card(button.mission, request.actor.id))
            case MissionVerb.BACK:
                await self._app.put_away(request, button.mission)
            case MissionVerb.WHY:
                await self._why(request, button.mission)
            case MissionVerb.SKIP:
                await self._skip(request, button.mission)
            case MissionVerb.SKIP_REASON:
                await self._skip_reason(request, button)
            case MissionVerb.REMIND:
                at = await self._app.remind(request.actor, button.mission)
                await request.toast(f"I will remind you at {local(at, self._app.zone)} {city(self._app.zone)}.")
            case MissionVerb.ASK:
                asked = await self._app.ask_commander(request.actor, button.mission)
                await request.toast(f"Asked {asked}.")

    async def _open_preview(
        self,
        request: Request,
        reference: str | None,
        size: str | None,
        *,
        anew: bool,
        terminal: int | None = None,
        wish: EntryWish | None = None,
    ) -> None:
        done: Previewed = await self._app.trading.preview(
            request.actor, reference, size=size, anew=anew, terminal=terminal, wish=wish
        )
        await self._pressed(request, done)

    async def _pressed(self, request: Request, done: Previewed) -> None:
        if request.is_group:
            await self._point_to_private(request, done.mission_id)
        elif request.callback_id is None:
            return
        elif done.refused is not None:
            await request.toast(toast(done.refused.code.value, self._app.check_values(done.refused)))
        elif done.again:
            await request.toast("The preview below is fresh again.")

    async def _point_to_private(self, request: Request, mission_id: str) -> None:
        said, private = "The preview is in our private chat.", f"https://t.me/{request.bot_username}"
        if request.callback_id is None:
            await request.reply(Rendered(text=said))
        elif not await self._app.reachable(request.actor.id):
            await request.toast("", url=f"{private}?start=m_{mission_id}")
        elif not await request.whisper(Rendered(text=said, rows=((Button(text="Open it", url=private),),))):
            await request.toast(said)

    async def _checks(self, request: Request, mission_id: str, page: int) -> None:
        await request.show(render_checks(await self._preview(request, mission_id), page))

    async def _how(self, request: Request, button: MissionButton) -> None:
        """Show the ways to enter, or go back to the preview with the chosen one."""
        if not button.arg:
            await request.show(render_how(await self._preview(request, button.mission)))
            return
        wish = EntryWish(kind=EntryKind(button.arg)) if button.arg in list(EntryKind) else None
        await self._open_preview(request, button.mission, None, anew=False, wish=wish)

    async def _preview(self, request: Request, mission_id: str) -> PreviewView:
        live = self._app.live()
        view = await self._app.database.read(lambda unit: preview_view(unit, mission_id, request.actor.id, live))
        if view is None:
            raise NotFound("PREVIEW")
        return view

    async def _why(self, request: Request, mission_id: str) -> None:
        live = self._app.live()
        view = await self._app.database.read(lambda unit: mission_view(unit, mission_id, live))
        if view is None:
            raise NotFound("MISSION", reference=mission_id)
        rendered = render_why(view)
        if not request.is_group:
            await request.reply(rendered)
        elif not await request.whisper(rendered):
            await request.toast(rendered.plain(), alert=True)

    async def _skip(self, request: Request, mission_id: str) -> None:
        mission = await self._app.trading.skip(request.actor, mission_id)
        await request.toast(f"Skipped #{mission.number}.")
        if not request.is_group:
            await request.reply(skip_reasons(mission))

    async def _skip_reason(self, request: Request, button: MissionButton) -> None:
        index = int(button.arg) if button.arg.isdigit() else -1
        if not 0 <= index < len(REASONS):
            raise NotFound("BUTTON")
        mission = await self._app.trading.skip(request.actor, button.mission, REASONS[index])
        await request.show(Rendered(text=f"Skipped #{mission.number}: {REASONS[index]}."))


def _asked(args: str) -> tuple[str | None, EntryWish | None]:
    """Read ``12``, ``rest``, ``12 rest 63900`` ...: which mission, and how to enter."""
    first, _, rest = args.strip().partition(" ")
    if first.lower() in HOW_WORDS:
        return None, parse_wish(args)
    return first or None, parse_wish(rest) if rest.strip() else None
