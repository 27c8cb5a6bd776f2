"""Going live: a decision of the commanders about one terminal where it stands, and the way back, which acts at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from services.access import audience
from services.access.authority import require
from services.access.changes import ChangeBook
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.errors import NotFound, Refused, SortieError
from services.domain.live_facts import EXITS_ONLY, KeyRight, LiveGround
from services.domain.notices import Event, Topic
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.trades import Terminal, TerminalMode
from services.execution.taking_back import take_back_entry
from services.risk.live_standing import read_decision
from services.storage import changes, people, terminals, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
ELSEWHERE = "it stands elsewhere now"
CLOSED = "closed by /golive"


class LiveChanges:
    """What a terminal's mode as a change does; ``grounds`` and ``right_of`` are asked again when it is to come into force."""

    def __init__(self, ids: Ids, grounds: Mapping[str, LiveGround], right_of: Callable[[str], KeyRight]) -> None:
        self._ids = ids
        self._grounds = grounds
        self._right_of = right_of

    def register(self, book: ChangeBook) -> None:
        """Say how a terminal's mode is changed."""
        book.register(ChangeKind.TERMINAL_MODE, self.apply, self.current)

    @staticmethod
    def current(unit: Unit, subject: str) -> str:
        """Return what is decided about a terminal as changes carry it."""
        return read_decision(unit, subject) or EXITS_ONLY

    def apply(self, unit: Unit, actor: Actor, change: Change) -> None:
        """Open a terminal to entries, or close it and take back those that wait.

        Raise Refused where it does not stand any more where the change says, where the key may withdraw, and for an opening
        that nobody was asked about because it leads back from another.
        """
        if change.after == EXITS_ONLY:
            taken = sum(take_back_entry(unit, actor, self._ids, each) for each in trades.live(unit, terminal_id=change.subject))
            unit.record(actor, "live.stopped", terminal=change.subject, change=change.number, taken_back=taken)
            tell_everybody(unit, actor, change, "stopped", taken)
            return
        ground = self.ground(unit, change.subject)
        if change.tightens or ground.written != change.after:
            raise Refused("LIVE_MOVED", terminal=change.subject, value=change.after, limit=ground.written)
        self.require_harmless(change.subject)
        unit.record(actor, "live.decided", terminal=change.subject, change=change.number, ground=change.after)
        tell_everybody(unit, actor, change, "live")

    def ground(self, unit: Unit, name: str) -> LiveGround:
        """Return where a live terminal stands; raise NotFound for no terminal, Refused for one whose money is not real."""
        terminal, ground = terminals.find(unit, name), self._grounds.get(name)
        if terminal is None or not terminal.active:
            raise NotFound("TERMINAL", reference=name)
        if ground is None or terminal.mode is not TerminalMode.LIVE:
            raise Refused("LIVE_FACTS", terminal=terminal.name, value=terminal.mode.value)
        return ground

    def require_harmless(self, name: str) -> None:
        """Raise Refused for a key that may withdraw, and for one whose venue was not asked yet."""
        right = self._right_of(name)
        if right in (KeyRight.MAY, KeyRight.UNASKED):
            raise Refused("LIVE_KEY", terminal=name, value=right.value)


class GoLive:
    """Ask for a terminal to take entries with real money, or close it to them."""

    def __init__(
        self, database: Database, book: ChangeBook, live: LiveChanges, ask_right: Callable[[Terminal], Awaitable[KeyRight]]
    ) -> None:
        self._database = database
        self._book = book
        self._live = live
        self._ask_right = ask_right

    async def __call__(self, actor: Actor, name: str) -> Change:
        """Ask the venue what the key may do, then propose; raise Refused where facts or key are not as they must be."""

        def look(unit: Unit) -> Terminal | None:
            require(unit, actor, Role.COMMANDER)
            self._live.ground(unit, name)
            return terminals.find(unit, name)

        terminal = await self._database.read(look)
        if terminal is not None:
            await self._look_at_key(terminal)
        return await self._database.write(lambda unit: self._propose(unit, actor, name))

    async def off(self, actor: Actor, name: str) -> Change:
        """Close a terminal to entries, at once; where none is open to them yet, end the question whether one should be.

        Raise Refused where there is neither.
        """

        def body(unit: Unit) -> Change:
            require(unit, actor, Role.COMMANDER)
            if terminals.find(unit, name) is None:
                raise NotFound("TERMINAL", reference=name)
            before = self._live.current(unit, name)
            waiting = changes.pending(unit, ChangeKind.TERMINAL_MODE, name)
            if before == EXITS_ONLY and waiting:
                self._book.overtake(unit, actor, ChangeKind.TERMINAL_MODE, name, CLOSED)
                return changes.find(unit, waiting[0].id) or waiting[0]
            return self._book.propose(unit, actor, ChangeKind.TERMINAL_MODE, name, before, EXITS_ONLY, tightens=True)

        return await self._database.write(body, urgent=True)

    async def _look_at_key(self, terminal: Terminal) -> None:
        """Ask anew; a venue that does not answer leaves what it said last."""
        try:
            await self._ask_right(terminal)
        except (SortieError, TimeoutError) as error:
            log.warning("live.key.unasked", terminal=terminal.name, error=str(error) or type(error).__name__)

    def _propose(self, unit: Unit, actor: Actor, name: str) -> Change:
        require(unit, actor, Role.COMMANDER)
        ground = self._live.ground(unit, name)
        self._live.require_harmless(name)
        before = self._live.current(unit, name)
        return self._book.propose(unit, actor, ChangeKind.TERMINAL_MODE, name, before, ground.written, tightens=False)


class RetireLive:
    """Called at start: a decision about a terminal that does not stand there any more is over, and has to be made anew."""

    def __init__(self, database: Database, grounds: Mapping[str, LiveGround], ids: Ids) -> None:
        self._database = database
        self._grounds = grounds
        self._ids = ids

    async def __call__(self) -> int:
        """End what does not hold, each with a journal row, and tell everybody; return how many."""
        if not await self._database.read(self._lost):
            return 0
        return await self._database.write(self._retire)

    def _lost(self, unit: Unit) -> list[Change]:
        stands = {name: ground.written for name, ground in self._grounds.items()}
        standing = changes.standing(unit, ChangeKind.TERMINAL_MODE)
        return [each for each in standing if each.after not in (EXITS_ONLY, stands.get(each.subject))]

    def _retire(self, unit: Unit) -> int:
        actor = Actor.job("live", f"live-{self._ids.row()}")
        lost = self._lost(unit)
        for change in lost:
            changes.set_state(unit, change, ChangeState.SUPERSEDED, ELSEWHERE)
            ground = self._grounds.get(change.subject)
            unit.record(
                actor,
                "live.retired",
                terminal=change.subject,
                change=change.number,
                decided=change.after,
                ground=ground.written if ground is not None else None,
            )
            tell_everybody(unit, actor, change, "retired")
        return len(lost)


def tell_everybody(unit: Unit, actor: Actor, change: Change, what: str, taken_back: int = 0) -> None:
    """Tell everyone but who did it that real money is traded at a terminal, or is not any more; groups without its name."""
    facts = {
        "terminal": change.subject,
        "ground": change.after if change.after != EXITS_ONLY else change.before,
        "number": change.number,
        "what": what,
        "by": actor.name,
        "taken_back": taken_back,
        "mode": TerminalMode.LIVE.value,
    }
    for person in people.everyone(unit):
        if person.id != actor.id:
            audience.tell_person(unit, person, Event.ALERT, "live", facts)
    audience.tell_topic(unit, Topic.RISK, "live", facts | {"terminal": "a terminal", "ground": ""})
