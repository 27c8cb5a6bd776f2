"""People and chats: who is in, who hears what, and where."""

from __future__ import annotations

from html import escape

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton, ListName
from handlers.telegram.commands import CommandSpec, Kind, Where, row_of
from handlers.telegram.grants import GrantHandlers, read_role
from handlers.telegram.lists import Lists
from handlers.telegram.modes import ModeHandlers
from handlers.telegram.request import Request
from handlers.telegram.views.grants import GIVE, PICK, grant_done
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.modes import MODE
from handlers.telegram.views.people import render_invite, render_revoke_question
from services.access.granting import RequestIgnored
from services.domain.errors import NotFound, Refused
from services.domain.notices import Event, Loudness, Topic
from services.domain.people import Role

GRANT_USAGE = "@name|id [observer|trader|commander [grade] [7d]]"


class PeopleHandlers:
    """Commands and taps about people and chats."""

    def __init__(self, app: App, lists: Lists) -> None:
        self._app = app
        self._lists = lists
        self._grants = GrantHandlers(app)
        self._modes = ModeHandlers(app)

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the rows of this room."""
        row = row_of("people")
        people, chats = self._lists.command(ListName.PEOPLE), self._lists.command(ListName.CHATS)
        boss, desk = Role.COMMANDER, self._lists.command(ListName.DESK)
        return (
            row("people", "Who is in", "", boss, Kind.READ, Where.ANYWHERE, people),
            row("desk", "Everybody: risk, locks, ends", "", boss, Kind.READ, Where.ANYWHERE, desk),
            row("invite", "A one-time link", "observer|trader", boss, Kind.ACT, Where.PRIVATE, self.invite),
            row("grant", "Give a role", GRANT_USAGE, boss, Kind.ACT, Where.PRIVATE, self._grants.command),
            row("revoke", "Take a role", "@name|id [@keeper]", boss, Kind.ACT, Where.PRIVATE, self.revoke),
            *self._modes.commands(),
            row("chats", "Groups and what they are told", "", boss, Kind.READ, Where.ANYWHERE, chats),
            row("bind", "Tell this chat", "missions|fills|risk|digest [off]", boss, Kind.ACT, Where.GROUP, self.bind),
            row(
                "notify",
                "What I hear, how loud",
                "[event loud|silent|digest|off]",
                Role.OBSERVER,
                Kind.ACT,
                Where.PRIVATE,
                self.notify,
            ),
        )

    async def invite(self, request: Request) -> None:
        """Make a link that lets one person in."""
        link = await self._app.people.invite(request.actor, read_role(request.args or "trader"))
        await request.reply(render_invite(link, f"https://t.me/{request.bot_username}?start={link.payload}"))

    async def revoke(self, request: Request) -> None:
        """Ask before taking a role."""
        if not request.args:
            raise Refused("REVOKE_SYNTAX")
        reference, _, keeper = request.args.partition(" ")
        asked = await self._app.people.revoke.ask(request.actor, reference, keeper.strip() or None)
        await request.reply(render_revoke_question(asked))

    async def bind(self, request: Request) -> None:
        """Direct a topic to this group or forum topic."""
        name, _, off = request.args.lower().partition(" ")
        if name not in set(Topic):
            raise Refused("TOPIC", value=name, limit=", ".join(Topic))
        if off.strip() == "off":
            await self._app.people.bind.unbind(request.actor, Topic(name), request.chat_id, request.thread_id)
            return
        await self._app.people.bind(request.actor, Topic(name), request.chat_id, request.thread_id, request.chat_title)

    async def notify(self, request: Request) -> None:
        """Show the choices, or set one by words."""
        words = request.args.lower().split()
        if not words:
            await self._lists.show(request, ListName.NOTIFY)
            return
        if words[0] == "quiet":
            await self._quiet(request, words[1] if len(words) > 1 else "")
            return
        if len(words) != 2 or words[0] not in set(Event) or words[1] not in set(Loudness):
            raise Refused("NOTIFY_SYNTAX", value=request.args[:40])
        await self._app.people.set_loudness(request.actor, Event(words[0]), Loudness(words[1]))
        await self._lists.show(request, ListName.NOTIFY)

    async def choose(self, request: Request, button: ChoiceButton) -> None:
        """Carry out a choice by button."""
        if button.name == "notify" and button.key in set(Event) and button.value in set(Loudness):
            await self._app.people.set_loudness(request.actor, Event(button.key), Loudness(button.value))
            await self._lists.show(request, ListName.NOTIFY)
        elif button.name == "quiet":
            await self._quiet(request, button.value or "off")
        elif button.name == MODE:
            await self._modes.choose(request, button)
        elif button.name in (PICK, GIVE):
            await self._grants.choose(request, button)
        elif button.name == "terminal":
            chosen = await self._app.people.choose_terminal(request.actor, button.key)
            await request.toast(f"Previews start at {chosen.name}.")
            await self._lists.show(request, ListName.TERMINALS)
        else:
            raise NotFound("BUTTON")

    async def grant_tap(self, request: Request, token: str) -> None:
        """Carry out Grant or Ignore on a stranger's request."""
        done = await self._app.people.grant.press(request.actor, token)
        if isinstance(done, RequestIgnored):
            await request.show(Rendered(text=f"Ignored for a day: {escape(done.name)}."))
        else:
            await request.show(grant_done(done))

    async def revoke_tap(self, request: Request, token: str) -> None:
        """Carry out a revocation."""
        done = await self._app.people.revoke(request.actor, token)
        passed = f"\nPassed on: {', '.join(f'#{number}' for number in done.passed)}." if done.passed else ""
        await request.show(Rendered(text=f"{escape(done.person.name)} has no role any more.{passed}"))

    async def approve_chat_tap(self, request: Request, token: str) -> None:
        """Carry out the answer about a group."""
        done = await self._app.people.approve_chat(request.actor, token)
        word = "approved" if done.approved else "left"
        await request.show(Rendered(text=f"{escape(done.chat.title)}: {word}."))

    async def _quiet(self, request: Request, span: str) -> None:
        start, _, end = span.replace(".", ":").partition("-")
        off = span in ("", "off")
        await self._app.people.set_quiet_hours(request.actor, None if off else start, None if off else end or None)
        await self._lists.show(request, ListName.NOTIFY)
