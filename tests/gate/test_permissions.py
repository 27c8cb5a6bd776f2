"""Every way into the desk names who may use it; one without a line here fails.

The chat's commands declare their role in their table (tests/chat/test_matrix.py asks each of them as each role in each kind of
chat), buttons in tests/chat/test_buttons_by_role.py.
"""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from pathlib import Path

import pytest
import typer
from sqlalchemy import create_engine

from bot.__main__ import app
from bot.web import HEALTH, METRICS
from bot.webhook import PATH
from handlers.web.signals import SIGNALS, TEST
from services.access.authority import require
from services.domain.errors import NotAllowed
from services.domain.people import Actor, Role
from services.storage.database import Unit
from services.storage.tables import metadata
from tests.trading.rig import START

ROOT = Path(__file__).parents[2]
PATHS = re.compile(r"(/[a-z0-9_-]+)+")


class Shell(StrEnum):
    """What a command of the shell may do; whoever may run it owns the machine's files."""

    READS = "reads"
    STOPS = "halts, cancels or reduces, beside a desk or without one"
    KEEPS = "writes copies, keys or schema, and no decision"
    RUNS = "is the desk, or one in a folder of its own"


class Job(StrEnum):
    """The most that a job may do by itself, as the narrowest of these."""

    LOOKS = "measures, reads, notes that it lives"
    TELLS = "answers, sends and renders what was decided"
    KEEPS = "copies, and forgets what is over"
    OFFERS = "opens and ends missions, which nobody has to take"
    BOOKS = "books what a venue did"
    REDUCES = "commits exits, cancels and halts"
    FIRES = "confirms missions for people whose mode is auto, and the gate is asked as for a tap"
    SENDS = "sends what was committed, and of an entry what a verdict allows"


SHELL = {
    "run": Shell.RUNS,
    "demo": Shell.RUNS,
    "drill": Shell.RUNS,
    "halt": Shell.STOPS,
    "init": Shell.KEEPS,
    "upgrade": Shell.KEEPS,
    "backtest": Shell.KEEPS,
    "backup": Shell.KEEPS,
    "restore": Shell.KEEPS,
    "db upgrade": Shell.KEEPS,
    "db downgrade": Shell.KEEPS,
    "keys set": Shell.KEEPS,
    "keys forget": Shell.KEEPS,
    "candles import": Shell.KEEPS,
    "candles fill": Shell.KEEPS,
    "candles check": Shell.KEEPS,
    "candles list": Shell.READS,
    "candles gaps": Shell.READS,
    "db current": Shell.READS,
    "keys list": Shell.READS,
    **dict.fromkeys(("source add", "source hear", "source mute", "source remove"), Shell.KEEPS),
    **dict.fromkeys(("source list", "source test"), Shell.READS),
    "doctor": Shell.READS,
    "errors": Shell.READS,
    "limits": Shell.READS,
    "proof show": Shell.READS,
    "proof verify": Shell.READS,
    "replay": Shell.READS,
    "runbook": Shell.READS,
    "screener probe": Shell.READS,
    "strategy check": Shell.READS,
    "strategy new": Shell.KEEPS,
    "status": Shell.READS,
    "verify": Shell.READS,
    "version": Shell.READS,
}
JOBS = {
    **dict.fromkeys(
        ("alarms", "answered", "clocks", "heartbeat", "loop", "outside", "tallies", "watch", "watchdog"), Job.LOOKS
    ),
    **dict.fromkeys(
        ("calibration", "calendar", "correlations", "feed", "leases", "lock", "news", "quotes", "routes", "stream *"), Job.LOOKS
    ),
    **dict.fromkeys(("digest", "intake", "prices", "proposals", "requests", "sender", "writes"), Job.TELLS),
    **dict.fromkeys(("backup", "record", "rolling", "screen", "sweep"), Job.KEEPS),
    **dict.fromkeys(("missions", "scan", "signals", "sources"), Job.OFFERS),
    **dict.fromkeys(("fills", "paper", "reconcile", "resolve"), Job.BOOKS),
    **dict.fromkeys(("breakers", "deadman", "halt", "keep", "kill", "roles"), Job.REDUCES),
    "auto": Job.FIRES,
    **dict.fromkeys(("entries", "executor"), Job.SENDS),
}
ROUTES = {
    SIGNALS: "a source that a commander or the machine's owner let in, by its signature or its secret",
    TEST: "the same; nothing is stored",
    HEALTH: "anyone hears one word; the reasons are for the key",
    METRICS: "the key, or the machine itself where it listens to nobody else",
    PATH: "the chat server, by its secret",
}


def shell_commands(group: typer.Typer, prefix: str = "") -> list[str]:
    named = [each.name or each.callback.__name__.replace("_", "-") for each in group.registered_commands if each.callback]
    nested = [(each.typer_instance, each.name) for each in group.registered_groups]
    return [prefix + name for name in named] + [
        found for inner, name in nested if inner is not None for found in shell_commands(inner, f"{name} ")
    ]


def started_jobs() -> set[str]:
    """Return the names of all stages and ticks that the process starts, also where a loop starts them from a table."""
    found: set[str] = set()
    for file in (ROOT / "bot").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("stage", "every"):
                found |= {_text(each) for each in node.args[:2]}
            if (
                isinstance(node, ast.For)
                and isinstance(node.iter, ast.Tuple)
                and "nursery.stage(name, work)" in ast.unparse(node)
            ):
                found |= {_text(each.elts[0]) for each in node.iter.elts if isinstance(each, ast.Tuple)}
    return found - {""}


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return f"{node.values[0].value}*"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def served_paths() -> set[str]:
    """Return what is listened for: paths that requests are compared with, and routes that are added to an application."""
    found: set[str] = set()
    for file in [*(ROOT / "bot").glob("*.py"), *(ROOT / "handlers" / "web").glob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and PATHS.fullmatch(str(node.value)) and id(node) not in parts:
                found.add(str(node.value))
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("app.router.add_"):
                assert ast.unparse(node.args[0]) == "PATH", ast.unparse(node)
    return found


def test_every_command_of_the_shell_says_what_it_may_do() -> None:
    assert set(shell_commands(app)) == set(SHELL)


def test_every_job_says_what_it_may_do() -> None:
    assert started_jobs() == set(JOBS)


def test_every_path_says_who_may_ask() -> None:
    assert served_paths() == set(ROUTES)


def test_no_job_can_do_what_a_person_is_asked_for() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        unit = Unit(connection, START)
        for job in JOBS:
            for role in (Role.OBSERVER, Role.TRADER, Role.COMMANDER):
                with pytest.raises(NotAllowed):
                    require(unit, Actor.job(job, "test"), role)
