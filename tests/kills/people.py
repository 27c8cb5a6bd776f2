"""The people of a load: each does one thing after another and waits until it is answered, over kills and starts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from bot.demo.sandbox_client import ChatMessage, Member, SandboxError
from tests.kills import acts
from tests.kills.acts import Act, Answer, Command, Press
from tests.kills.world import World

# A person waits so long, counted in seconds in which the desk was ready, before an act has no answer.
PATIENCE_S = 15.0
LOOK_S = 0.2
SEEN, ALL_SEEN = 24, 500
RESUME_SHARE, CALL_SHARE, READ_SHARE, HALT_SHARE = 0.5, 0.22, 0.12, 0.01


class Crowd:
    """Everybody together; ``on_act`` is set each time somebody just did something."""

    def __init__(self, world: World, seed: int, pause_s: float) -> None:
        self.acts: list[Act] = []
        self.on_act = asyncio.Event()
        self.prices: dict[str, Decimal] = {}
        self.depth = SEEN
        self.given_up: list[tuple[Act, Callable[[], Awaitable[Answer]]]] = []
        self._world = world
        roles = ("trader", "commander")
        self.people = [
            Person(self, world, member, random.Random(f"{seed} {member.name}"), pause_s)
            for role in roles
            for member in world.cast.of_role(role)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Tell whether nobody begins anything more."""
        return self._stopping

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Let everybody act until the block ends; then each act that was begun gets its answer, or none."""
        background: Sequence[Callable[[], Awaitable[None]]] = (self._world.page.follow_calls, self._follow_prices)
        self._tasks = [asyncio.create_task(_run(person.live)) for person in self.people]
        beside = [asyncio.create_task(_run(work)) for work in background]
        try:
            yield
            self._stopping = True
            await asyncio.gather(*self._tasks)
        finally:
            for task in [*self._tasks, *beside]:
                task.cancel()
            await asyncio.gather(*self._tasks, *beside, return_exceptions=True)

    async def look_again(self) -> None:
        """Look once more, when all is said, for answers that came after people had given up: late is not never."""
        self.depth = ALL_SEEN
        for act, look in self.given_up:
            act.answer = await look()

    def check(self) -> None:
        """Raise what ended somebody's life."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def next_act(self, limit_s: float) -> None:
        """Wait until somebody does something, at most so long."""
        self.on_act.clear()
        try:
            async with asyncio.timeout(limit_s):
                await self.on_act.wait()
        except TimeoutError:
            return

    async def _follow_prices(self) -> None:
        while True:
            try:
                self.prices = await self._world.page.mids()
            except SandboxError:
                self.prices = self.prices or {}
            await asyncio.sleep(1)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


class Person:
    """Somebody with a role; commanders lift what was halted, everybody trades."""

    def __init__(self, crowd: Crowd, world: World, member: Member, chance: random.Random, pause_s: float) -> None:
        self.id = member.id
        self.name = member.name
        self.may_resume = member.role == "commander"
        self._crowd = crowd
        self._world = world
        self._page = world.page
        self._chance = chance
        self._pause_s = pause_s
        self._has_stopped = False

    async def live(self) -> None:
        """Act until the crowd stops."""
        while not self._crowd.stopping:
            await asyncio.sleep(self._chance.expovariate(1 / self._pause_s))
            try:
                messages = await self._messages()
                chosen = self._choose(messages)
                if chosen is not None:
                    await self.do(chosen)
            except SandboxError:
                # What was to be pressed is gone, or the sandbox stands still: look again.
                continue

    async def do(self, what: Command | Press) -> Act:
        """Do one thing and wait until it is answered; the act is kept with how it was."""
        newest = max((message.message_id for message in await self._messages()), default=0.0)
        if isinstance(what, Command):
            act = Act(person=self.name, what=what.text, at=time.monotonic())
            await self._page.say(self.id, self.id, what.text)
            await self._record(act, lambda: self._worded(what, newest, act))
        else:
            act = Act(person=self.name, what=f"[{what.button.text}]", at=time.monotonic())
            wall = time.time()
            query = await self._page.press(self.id, self.id, what.message.message_id, what.button.data)
            await self._record(act, lambda: self._tapped(what, query, newest, wall))
        return act

    async def _record(self, act: Act, look: Callable[[], Awaitable[Answer]]) -> None:
        self._crowd.acts.append(act)
        self._crowd.on_act.set()
        desk, since = self._world.desk, self._world.desk.ready_for
        while True:
            try:
                act.answer = await look()
            except SandboxError:
                act.answer = Answer.NONE
            patient = desk.ready_for - since < PATIENCE_S
            settled = act.answer not in (Answer.NONE, Answer.CARD) or not patient
            if settled:
                if act.answer is Answer.NONE:
                    self._crowd.given_up.append((act, look))
                act.waited_s = time.monotonic() - act.at
                return
            await asyncio.sleep(LOOK_S)

    async def _worded(self, command: Command, newest: float, act: Act) -> Answer:
        """Look for words that can only be this command's answer, or for the line that it was interrupted."""
        later = [each for each in await self._messages() if each.message_id > newest and each.from_bot]
        act.seen = [each.text.partition("\n")[0][:60] for each in later]
        if any(acts.INTERRUPTED in each.text and command.text[:20] in each.text for each in later):
            return Answer.INTERRUPTED
        if any(command.answers(each.text) for each in later):
            return Answer.WORDS
        return Answer.CARD if any(command.overtaken(each.text) for each in later) else Answer.NONE

    async def _tapped(self, press: Press, query: str, newest: float, wall: float) -> Answer:
        """Look for the answer to a tap; one that a kill cut off shows on its card, or is told as interrupted."""
        if self._page.was_toasted(query):
            return Answer.TOAST
        messages = await self._messages()
        later = [each for each in messages if each.message_id > newest and each.from_bot]
        if any(acts.INTERRUPTED in each.text and "a button" in each.text for each in later):
            return Answer.INTERRUPTED
        card = next((each for each in messages if each.message_id == press.message.message_id), None)
        changed = card is not None and card.text != press.message.text and card.edited >= int(wall)
        return Answer.CARD if changed or later else Answer.NONE

    async def _messages(self) -> list[ChatMessage]:
        return await self._page.messages(self.id, self.id, limit=self._crowd.depth)

    def _choose(self, messages: Sequence[ChatMessage]) -> Command | Press | None:
        chance, said = self._chance.random(), [each.text for each in messages if each.from_bot]
        halted = self.may_resume and any("HALTED by" in text or "REDUCING by" in text for text in said[-4:])
        if chance < RESUME_SHARE and (halted or self._has_stopped):
            self._has_stopped = False
            return acts.resume("RESUME" if any("/resume RESUME" in text for text in said[-3:]) else "")
        if chance < HALT_SHARE:
            word = self._chance.choice(("halt", "reduce", "stop"))
            self._has_stopped |= word == "stop"
            return acts.halt(word, f"drill {self._chance.randrange(10**6)}")
        if chance < HALT_SHARE + READ_SHARE:
            return acts.read(self._chance.choice(list(acts.READS)))
        if chance < HALT_SHARE + READ_SHARE + CALL_SHARE and self._crowd.prices:
            symbol = self._chance.choice(sorted(self._crowd.prices))
            return acts.call(symbol, self._crowd.prices[symbol], self._chance)
        found = acts.presses([each for each in messages if each.from_bot])
        if not found:
            return None
        return self._chance.choices([press for press, _ in found], [weight for _, weight in found])[0]
