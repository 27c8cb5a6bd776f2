"""One scenario, died through: at every point, at steps of the loop between them, and once more while it recovers."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.crash.forking import Ask, Deathtrap, Died, in_fork, in_fork_on_line
from tests.crash.subjects import Outcome, Subject
from tests.crash.verdict import Problem

Twin = Callable[[], None]
"""Breaks the desk in the child that calls it, to show that the break is seen."""

IMAGED = "image"
_WAL_HEADER, _FRAME_HEADER, _PAGE = 32, 24, 4096


def whole() -> None:
    """Break nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one death and its recoveries showed: who died where, and what did not hold."""

    where: str
    end: str
    problems: tuple[Problem, ...]


@dataclass(kw_only=True)
class Tally:
    """What all runs of a scenario showed together."""

    name: str
    points: int = 0
    runs: int = 0
    deaths: int = 0
    second_deaths: int = 0
    between: int = 0
    alike: int = 0
    found: list[Found] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Return each problem with where the desk died."""
        return [f"{self.name} {each.where}: {what}: {how}" for each in self.found for what, how in each.problems]

    @property
    def ends(self) -> frozenset[str]:
        """Return how the runs ended."""
        return frozenset(each.end for each in self.found)

    def add(self, other: Tally) -> None:
        """Count another part of the same scenario in."""
        self.points = max(self.points, other.points)
        for name in ("runs", "deaths", "second_deaths", "between", "alike"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.found += other.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is died through: ``points`` of the act (None is all), ``between`` steps of the loop and ``second`` deaths.

    ``pairs`` takes every point of every recovery besides. Of several parts this is ``part``: each takes its share.
    """

    seed: int = 1
    points: int | None = None
    between: int = 0
    second: int = 0
    pairs: bool = False
    part: int = 0
    parts: int = 1


class Campaign:
    """Dies through one subject; it prepares in this process, so what outlives the desk is forked with it."""

    def __init__(self, folder: Path, subject: Subject, twin: Twin = whole) -> None:
        self._folder = folder
        self._subject = subject
        self._twin = twin
        self._known: set[str] = set()
        self._number = 0
        self.tally = Tally(name=subject.name)
        subject.prepare(folder / "base")

    def run(self, plan: Plan) -> Tally:
        """Carry out a plan."""
        chance = random.Random(f"{plan.seed} {self._subject.name}")
        points, steps = self._survive()
        self.tally.points = len(points)
        chosen = list(range(1, len(points) + 1))
        if plan.points is not None and plan.points < len(chosen):
            chosen = sorted(chance.sample(chosen, plan.points))
        share = len(chosen) * plan.part // plan.parts, len(chosen) * (plan.part + 1) // plan.parts
        for at in chosen[share[0] : share[1]]:
            self._die(Deathtrap(at), f"died at {points[at - 1]} #{at}", pairs=plan.pairs)
        for _ in range(plan.between):
            self._die(Deathtrap(step=chance.randint(1, steps)), "died between", pairs=False)
            self.tally.between += 1
        for _ in range(plan.second):
            at = chance.randint(1, len(points))
            self._die(Deathtrap(at), f"died at {points[at - 1]} #{at}", second=chance.random())
        return self.tally

    def die_until_caught(self) -> Tally:
        """Die at each point in turn until a broken twin is seen."""
        points, _ = self._survive()
        self.tally.points = len(points)
        for at, name in enumerate(points, start=1):
            if self.tally.problems:
                break
            self._die(Deathtrap(at), f"died at {name} #{at}")
        return self.tally

    def _survive(self) -> tuple[list[str], int]:
        """Run through without a death, and return the points and the steps that there are."""
        place = self._place()

        def alive() -> tuple[list[str], int, Outcome]:
            def act(ask: Ask) -> tuple[list[str], int]:
                self._twin()
                trap = Deathtrap()
                self._subject.act(place, trap, ask)
                return trap.reached, trap.steps

            reached, steps = in_fork_on_line(act, self._subject.handle)
            return reached, steps, self._recover(place, Deathtrap(), None, 0)

        reached, steps, outcome = in_fork(alive)
        shutil.rmtree(place)
        self.tally.runs += 1
        self.tally.found.append(Found(where="survived", end=outcome.end, problems=outcome.problems))
        return reached, steps

    def _die(self, trap: Deathtrap, where: str, *, pairs: bool = False, second: float | None = None) -> None:
        """Die in the act, then recover; with ``pairs`` at every point of the recovery too, with ``second`` at that one."""
        place = self._place()
        tally: Tally = in_fork(partial(self._died, place, trap, where, pairs, second))
        shutil.rmtree(place, ignore_errors=True)
        self._known |= {each.where for each in tally.found if each.where.startswith("=")}
        tally.found = [each for each in tally.found if not each.where.startswith("=")]
        self.tally.add(tally)

    def _died(self, place: Path, trap: Deathtrap, where: str, pairs: bool, second: float | None) -> Tally:
        def act(ask: Ask) -> None:
            self._twin()
            self._subject.act(place, trap, ask)

        tally = Tally(name=self._subject.name, runs=1)
        died = in_fork_on_line(act, self._subject.handle)
        if not isinstance(died, Died):
            where, died = "survived", Died(code=0)
        else:
            tally.deaths += 1
        mark = f"={disk_of(place, self._subject.state())}"
        if mark in self._known and second is None:
            tally.alike += 1
            return tally
        tally.found.append(Found(where=mark, end="", problems=()))
        if second is not None:
            self._die_again(tally, place, died, where, second)
            return tally
        handle = partial(self._imaged, tally, place, where) if pairs else self._subject.handle
        outcome = self._recover(place, self._looking() if pairs else Deathtrap(), died.last_words, tally.deaths, handle)
        tally.found.append(Found(where=where, end=outcome.end, problems=outcome.problems))
        return tally

    def _recover(self, place: Path, trap: Deathtrap, died: object, deaths: int, handle: Ask | None = None) -> Outcome:
        def recover(ask: Ask) -> Outcome:
            self._twin()
            if trap.look is not None:
                trap.look = lambda name: ask((IMAGED, name, trap.now()))
            return self._subject.recover(place, trap, ask, died, deaths)

        outcome: Outcome = in_fork_on_line(recover, handle or self._subject.handle)
        return outcome

    def _looking(self) -> Deathtrap:
        trap = Deathtrap()
        trap.look = lambda _name: None
        return trap

    def _imaged(self, tally: Tally, place: Path, where: str, request: object) -> object:
        """Answer the desk; where it stands at a point, recover from an image of its disk as a death there leaves it."""
        if not (isinstance(request, tuple) and request[0] == IMAGED):
            return self._subject.handle(request)
        _, name, at = request
        mark = f"={disk_of(place, self._subject.state())}"
        tally.second_deaths += 1
        if mark in self._known:
            tally.alike += 1
            return None
        self._known.add(mark)
        image = place.with_name(f"{place.name}.{tally.second_deaths}")
        shutil.copytree(place, image)
        outcome = in_fork(partial(self._recover, image, Deathtrap(), at, 2))
        shutil.rmtree(image)
        tally.runs += 1
        there = f"{where} and at {name} #{tally.second_deaths} of the recovery"
        tally.found.append(Found(where=there, end=outcome.end, problems=outcome.problems))
        return None

    def _die_again(self, tally: Tally, place: Path, died: Died, where: str, second: float) -> None:
        """Recover once to count, then die at one of its points and recover again."""
        probe = place.with_name(f"{place.name}.probe")
        shutil.copytree(place, probe)
        reached = in_fork(partial(self._recover, probe, Deathtrap(), died.last_words, 1)).reached
        shutil.rmtree(probe)
        at = 1 + int(second * len(reached))

        def recover(ask: Ask) -> Outcome:
            self._twin()
            return self._subject.recover(place, Deathtrap(at), ask, died.last_words, 1)

        again = in_fork_on_line(recover, self._subject.handle)
        tally.second_deaths += isinstance(again, Died)
        words = again.last_words if isinstance(again, Died) else died.last_words
        outcome = self._recover(place, Deathtrap(), words, 2)
        there = f"{where} and at {reached[at - 1]} #{at} of the recovery"
        tally.found.append(Found(where=there, end=outcome.end, problems=outcome.problems))

    def _place(self) -> Path:
        self._number += 1
        place = self._folder / str(self._number)
        shutil.copytree(self._folder / "base", place)
        return place


def disk_of(folder: Path, beside: str) -> str:
    """Return a mark of what a process that died there left: equal marks are met by equal recoveries.

    Logs tell and are not read, the shared memory of SQLite is made anew, and the frames of its log count without the salt.
    """
    digest = hashlib.blake2b(beside.encode(), digest_size=16)
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "logs" not in file.parts and not file.name.endswith("-shm"):
            digest.update(file.name.encode())
            content = file.read_bytes()
            for piece in _frames(content) if file.name.endswith("-wal") else (content,):
                digest.update(piece)
    return digest.hexdigest()


def _frames(log: bytes) -> Iterable[bytes]:
    size = _FRAME_HEADER + _PAGE
    for start in range(_WAL_HEADER, len(log) - size + 1, size):
        yield log[start : start + 8]
        yield log[start + _FRAME_HEADER : start + size]


def die_through(folder: Path, subject: Callable[[], Subject], plan: Plan, twin: Twin = whole) -> Tally:
    """Die through a subject in a process of its own, so that nothing of it is left behind in this one."""
    tally: Tally = in_fork(lambda: Campaign(folder, subject(), twin).run(plan))
    return tally


def catch(folder: Path, subject: Callable[[], Subject], twin: Twin) -> Tally:
    """Die through a broken desk until that is seen."""
    tally: Tally = in_fork(lambda: Campaign(folder, subject(), twin).die_until_caught())
    return tally
