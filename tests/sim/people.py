"""People at their phones: they read what they were sent and press, type, press again, late, twice, and on old messages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.telegram.failures import Misuse
from sandbox.telegram.messages import Message, shown_id
from sandbox.telegram.world import ANN, CARL, CORA, DESK, OLGA, SAM, TOM, World
from tests.sim.trace import Trace

LOOK_BACK = 8
REMEMBERED = 20
READS = ("/status", "/missions", "/positions", "/orders", "/balance", "/pnl", "/history", "/risk", "/menu", "/digest")
TRADES = ("/closeall", "/cancel", "/fire", "/skip", *("/call",) * 4, "/stop", *("/resume",) * 3, "/resolve", "/approve")
RESUME = "/resume RESUME"
# Lifted more often than thrown: a desk that stands halted trades nothing.
HALTS = ("/halt", "/kill", "/reduce", "/resume", *(RESUME,) * 12, "/disable coin", *("/enable coin",) * 2, "/resolve")
# What waits for another commander where it lets more happen: limits, both ways, the way back, a role, and a rest for somebody.
CHANGES = (
    *(f"/limits {name} {value}" for name, value in (("per_trade", "0.02"), ("per_trade", "0.004"), ("open_positions", "3"))),
    *(f"/limits {name} {value}" for name, value in (("open_positions", "9"), ("max_spread_bps", "40"))),
    *(f"/rollback {number}" for number in (1, 2, 3)),
    "/grant @olga_observes trader 2m",
    "/bench @tom_trades 1m",
    "/approve",
    "/desk",
    "/people",
)
COMMANDS = (*HALTS, *CHANGES)
# How likely a button is pressed, by the beginning of its label; what is not named, mostly pages, is looked at now and then.
PAGE = 0.25
LIKELY = {
    "Confirm": 40.0,
    "Fire": 20.0,
    "Approve": 20.0,
    "Reject": 3.0,
    "Too large": 20.0,
    "Not now": 20.0,
    "Take back": 0.2,
    "Roll back": 0.5,
    "Resume": 12.0,
    "Close": 4.0,
    "Half": 2.0,
    "Stop→BE": 2.0,
    "Halt": 0.1,
    "Flatten": 0.2,
    "Revoke": 0.2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A person: how many seconds pass between two acts, and what they type beside what everybody reads.

    ``typing`` is the share of acts that are typed of these.
    """

    id: int
    every_s: float
    types: Sequence[str] = ()
    typing: float = 0.1


PEOPLE = (
    Habit(id=ANN, every_s=7.0, types=TRADES),
    Habit(id=TOM, every_s=7.0, types=TRADES),
    Habit(id=CARL, every_s=10.0, types=COMMANDS, typing=0.3),
    Habit(id=CORA, every_s=15.0, types=COMMANDS, typing=0.3),
    Habit(id=OLGA, every_s=50.0),
    Habit(id=SAM, every_s=90.0, types=("/start", "/halt", "/closeall")),
)


@dataclass(slots=True, kw_only=True)
class _Somebody:
    habit: Habit
    chance: random.Random
    remembered: list[tuple[int, float, str]] = field(default_factory=list)


class Crowd:
    """Everybody of the desk and a stranger; when they are ``gone`` they do nothing more."""

    def __init__(self, seed: int, world: World, trace: Trace) -> None:
        self._seed = seed
        self._world = world
        self._trace = trace
        self.gone = False

    async def live(self, habit: Habit) -> None:
        """Act now and then until everybody has gone home."""
        person = _Somebody(habit=habit, chance=random.Random(f"person {self._seed} {habit.id}"))
        while not self.gone:
            await asyncio.sleep(person.chance.expovariate(1 / habit.every_s))
            if not self.gone:
                try:
                    self._act(person)
                except Misuse as error:
                    self._trace.note("person", f"{habit.id} cannot: {error}")

    def _act(self, person: _Somebody) -> None:
        chance, roll = person.chance, person.chance.random()
        if person.remembered and roll < 0.06:
            chat, message, data = chance.choice(person.remembered)
            self._note(person, f"presses an old {data}")
            self._world.press(person.habit.id, chat, data, message)
        elif roll < 0.16:
            self._say(person, chance.choice(READS))
        elif person.habit.types and roll < 0.16 + person.habit.typing:
            self._say(person, _typed(chance, chance.choice(person.habit.types)))
        else:
            self._press(person)

    def _press(self, person: _Somebody) -> None:
        found = self._buttons(person.habit.id)
        if not found:
            return
        message, data, _ = person.chance.choices(found, [weight for _, _, weight in found])[0]
        place = (message.chat_id, shown_id(message), data)
        person.remembered.append(place)
        del person.remembered[:-REMEMBERED]
        for _ in range(2 if person.chance.random() < 0.1 else 1):
            self._note(person, f"presses {data}")
            self._world.tap(person.habit.id, *place)

    def _buttons(self, person: int) -> Sequence[tuple[Message, str, float]]:
        """Return what may be pressed and how likely; the newest messages are the most likely."""
        return [
            (message, str(button["callback_data"]), _likely(button["text"]) / (1 + back))
            for chat in ((person, DESK) if person != SAM else (person,))
            for back, message in enumerate(reversed(self._world.seen(person, chat)[-LOOK_BACK:]))
            for row in message.keyboard
            for button in row
            if "callback_data" in button and "disabled" not in button
        ]

    def _say(self, person: _Somebody, text: str) -> None:
        self._note(person, f"says {text}")
        self._world.say(person.habit.id, text)

    def _note(self, person: _Somebody, what: str) -> None:
        self._trace.note("person", f"{person.habit.id} {what}")


def _typed(chance: random.Random, text: str) -> str:
    if text == "/call":
        return f"/call BTCUSDT long sl 63{chance.randrange(5, 9)}00 tp 64{chance.randrange(3, 9)}00"
    return text


def _likely(label: str) -> float:
    return next((weight for word, weight in LIKELY.items() if label.startswith(word)), PAGE)
