"""The scripted trader and commander of a headless demo: every scene is played from the chat's side, by buttons and words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bot.demo.console import Console
from bot.demo.desk_runner import DeskRunner
from bot.demo.hand import PATIENCE_S, Hand, Missed
from bot.demo.sandbox_client import Cast, ChatMessage, SandboxClient, SandboxError

FIRST_MISSION_S = 60.0
RESTART_S = 60.0
PRICE_MOVES = 4
DIGEST_WITHIN_S = 200.0
LEAST_LEFT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who plays: two traders and a commander, and the group's chat."""

    ann: Hand
    tom: Hand
    carl: Hand
    group_id: int
    missions: int
    digest: int

    @classmethod
    def of(cls, client: SandboxClient, cast: Cast) -> Crew:
        """Take the first two traders and the first commander of the chat."""
        ann, tom = (Hand(client, member) for member in cast.of_role("trader")[:2])
        carl = Hand(client, cast.of_role("commander")[0])
        topics = cast.topics
        return cls(ann=ann, tom=tom, carl=carl, group_id=cast.group_id, missions=topics["missions"], digest=topics["digest"])


class Script:
    """Plays the scenes in order; a scene that fails is told and the next one is played.

    ``planned`` is the instrument of the first mission, ``until`` on the monotonic clock ends what only waits.
    """

    def __init__(self, crew: Crew, desk: DeskRunner, console: Console, *, planned: str | None, until: float | None) -> None:
        self._crew = crew
        self._desk = desk
        self._console = console
        self._planned = planned or ""
        self._until = until
        self._begun = time.monotonic()
        self._fired: set[float] = set()

    async def play(self) -> None:
        """Play all scenes."""
        scenes: tuple[Callable[[], Awaitable[str]], ...] = (
            self._a_mission_comes,
            self._ann_fires,
            self._ann_looks,
            self._tom_fires,
            self._tom_is_refused,
            self._ann_manages,
            self._the_desk_is_killed,
            self._tom_closes,
            self._ann_halts,
            self._carl_resumes,
        )
        for scene in scenes:
            await self._try(scene)
        if self._until is not None and self._until - self._begun >= DIGEST_WITHIN_S:
            await self._try(self._digest_comes)
        while self._left() > LEAST_LEFT_S:
            await self._fire_the_next()

    async def _try(self, scene: Callable[[], Awaitable[str]]) -> None:
        try:
            done = await scene()
            self._console.say(f"{self._elapsed():5.1f} s  {done}")
        except (Missed, SandboxError) as failure:
            self._console.say(f"{self._elapsed():5.1f} s  MISSED {scene.__name__.strip('_')}: {failure}")

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun

    def _left(self) -> float:
        return 0.0 if self._until is None else self._until - time.monotonic()

    async def _mission(self, by: Hand, limit_s: float = PATIENCE_S, *, new: bool = False) -> ChatMessage:
        """Wait for the planned mission in the group, or with ``new`` for any that nobody of the script fired."""

        def wanted(message: ChatMessage) -> bool:
            fresh = message.message_id not in self._fired if new else self._planned in message.text
            return message.thread_id == self._crew.missions and message.button("Fire") is not None and fresh

        return await by.see(wanted, "a mission in the group", chat_id=self._crew.group_id, limit_s=limit_s)

    async def _a_mission_comes(self) -> str:
        mission = await self._mission(self._crew.ann, FIRST_MISSION_S)
        if not mission.has_photo:
            raise Missed("the mission came without a chart")
        return f"a mission with its chart: {_headline(mission)}"

    async def _ann_fires(self) -> str:
        return f"Ann fired: {await self._fire(self._crew.ann, await self._mission(self._crew.ann))}"

    async def _tom_fires(self) -> str:
        return f"Tom fired: {await self._fire(self._crew.tom, await self._mission(self._crew.tom))}"

    async def _fire(self, by: Hand, mission: ChatMessage) -> str:
        """Open the preview, confirm it, again when the price has moved, and wait until it is filled and protected."""
        self._fired.add(mission.message_id)
        await by.tap(mission, "Fire", self._crew.group_id)
        preview = await by.see(lambda message: message.button("Confirm") is not None, "a preview")
        shown = preview.message_id
        for _ in range(PRICE_MOVES):
            preview = await self._confirm(by, preview)
            if preview.button("Confirm") is None:
                break
        card = await by.see(
            lambda message: message.message_id == shown and "filled" in message.text and "at the venue" in message.text,
            "the fill and its stop at the venue",
        )
        return _headline(card)

    async def _confirm(self, by: Hand, preview: ChatMessage) -> ChatMessage:
        """Press Confirm and return what the message became; one with another Confirm was refreshed."""
        await by.tap(preview, "Confirm")
        shown, pressed = preview.message_id, preview.button("Confirm")
        return await by.see(
            lambda message: message.message_id == shown and message.button("Confirm") != pressed, "an answer to Confirm"
        )

    async def _ann_looks(self) -> str:
        ann = self._crew.ann
        for command, expected in (("/positions", "Positions"), ("/risk", "%"), ("/status", "feed")):
            await ann.ask(command, expected)
        return "Ann looked at positions, risk and status"

    async def _tom_is_refused(self) -> str:
        tom = self._crew.tom
        await tom.tap(await self._mission(tom), "Fire", self._crew.group_id)
        refusal = await tom.see(lambda message: "not fired: DUPLICATE" in message.text, "a refusal of the second firing")
        return f"Tom was refused: {_headline(refusal)}"

    async def _ann_manages(self) -> str:
        ann = self._crew.ann
        await ann.tap(await self._card(ann), "Half")
        question = await ann.see(lambda message: message.button("Close half") is not None, "the question before half a close")
        await ann.tap(question, "Close half")
        card = await ann.see(lambda message: "still open" in message.text or "\nclosed " in message.text, "half closed")
        if card.button("Stop→BE") is not None:
            await ann.tap(card, "Stop→BE")
        await ann.tap(await self._card(ann), "Proof")
        proof = await ann.see(lambda message: message.text.startswith("Proof #"), "the proof")
        return f"Ann closed half and read the proof: {_headline(proof)}"

    async def _card(self, of: Hand) -> ChatMessage:
        return await of.see(
            lambda message: message.button("Close") is not None and message.button("Half") is not None, "an open trade's card"
        )

    async def _the_desk_is_killed(self) -> str:
        before = self._desk.pid
        await self._desk.kill()
        await self._desk.start()
        if not await self._desk.ready(RESTART_S):
            raise Missed(f"the desk did not come back: {self._desk.why()}")
        await self._crew.ann.ask("/positions", "Positions")
        return f"the desk was killed and came back, {before} is {self._desk.pid} now"

    async def _tom_closes(self) -> str:
        tom = self._crew.tom
        question = await self._asked_to_close(tom)
        await tom.tap(question, "Close")
        card = await tom.see(
            lambda message: message.message_id == question.message_id and "\nclosed " in message.text, "the trade closed"
        )
        return f"Tom closed: {card.text.splitlines()[1]}"

    async def _asked_to_close(self, who: Hand) -> ChatMessage:
        """Tap Close until the question stands: a change of the trade may put the card back in its place."""
        for seconds in (5.0, 5.0, PATIENCE_S):
            await who.tap(await self._card(who), "Close")
            with suppress(Missed):
                return await who.see(
                    lambda message: message.text.startswith("Close ") and message.button("Close") is not None,
                    "the question",
                    limit_s=seconds,
                )
        raise Missed(f"{who.name} tapped Close three times and was asked nothing")

    async def _ann_halts(self) -> str:
        await self._crew.ann.ask("/halt the script says so", "HALTED by")
        halt = await self._crew.carl.see(lambda message: "HALTED by" in message.text, "the halt")
        return f"Ann halted: {_headline(halt)}"

    async def _carl_resumes(self) -> str:
        carl = self._crew.carl
        await carl.see(lambda message: "HALTED by" in message.text and "going on" not in message.text, "the kill's end")
        await carl.ask("/resume", "/resume RESUME")
        await carl.ask("/resume RESUME", "active again")
        return "Carl resumed with the typed word, after the wait"

    async def _digest_comes(self) -> str:
        digest = await self._crew.carl.see(
            lambda message: message.thread_id == self._crew.digest and "\nresult " in message.text,
            "the digest in the group",
            chat_id=self._crew.group_id,
            limit_s=max(1.0, self._left() - LEAST_LEFT_S),
        )
        return f"the digest came: {_headline(digest)}"

    async def _fire_the_next(self) -> None:
        """Pass the time that is left as a trader does: fire what is offered."""
        try:
            mission = await self._mission(self._crew.tom, max(1.0, self._left() - LEAST_LEFT_S), new=True)
            self._console.say(f"{self._elapsed():5.1f} s  Tom fired: {await self._fire(self._crew.tom, mission)}")
        except (Missed, SandboxError) as failure:
            self._console.say(f"{self._elapsed():5.1f} s  nothing more was fired: {failure}")
            await asyncio.sleep(1)


def _headline(message: ChatMessage) -> str:
    return message.text.partition("\n")[0]
