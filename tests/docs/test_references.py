"""What the reference pages are written from is found in full."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.reference import FOLDER
from bot.reference.commands import KIND, ROOMS, WHERE, chat_commands
from bot.reference.emitted import Emitted, Unnamed, journal_kinds, log_events
from bot.reference.events import FILLED, PACKAGES, ROOT
from bot.settings_text import entries
from handlers.telegram.commands import Kind, Where
from services.access.alerts import AlertCode
from services.domain.limits import Limit
from services.domain.verdicts import CheckCode

PROMISED = re.findall(
    r"\w+",
    """
    start help menu status slo whoami missions mission fire skip call positions orders cancel close closeall
    incident edge why export
    balance pnl history risk halt reduce stop resume strategies enable disable sandbox universe terminals people
    invite grant revoke chats bind notify digest settings doctor amend resolve proof routes runbook drill kill
    incidents breakers cooldown bench desk mode limits approve rollback golive news
    sources source
    """,
)


def test_every_promised_command_is_in_the_table() -> None:
    assert {spec.name for spec in chat_commands().all()} == set(PROMISED)


def test_every_command_has_a_room_a_place_and_a_kind_on_the_page() -> None:
    page = (FOLDER / "commands.md").read_text(encoding="utf-8")

    assert {spec.room for spec in chat_commands().all()} == set(ROOMS)
    assert set(WHERE) == set(Where)
    assert set(KIND) == set(Kind)
    assert set(re.findall(r"^\| `/(\w+)", page, re.MULTILINE)) == set(PROMISED)


def test_every_check_and_alert_has_its_row() -> None:
    denials = (FOLDER / "denials.md").read_text(encoding="utf-8")
    alerts = (FOLDER / "alerts.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `([A-Z_]+)`", denials, re.MULTILINE)[: len(CheckCode)] == [code.value for code in CheckCode]
    assert re.findall(r"^\| `([A-Z_]+)`", alerts, re.MULTILINE) == [code.value for code in AlertCode]


def test_every_alert_is_raised_somewhere() -> None:
    raised = {
        code
        for room in ("services", "bot")
        for call in _calls(ROOT / room)
        if (isinstance(call.func, ast.Name) and call.func.id == "alert")
        # What could not be stored while it lasted is kept as an incident that is over.
        or (isinstance(call.func, ast.Attribute) and call.func.attr == "open_incident")
        for argument in call.args
        for code in re.findall(r"^AlertCode\.(\w+?)(?:\.value)?$", ast.unparse(argument))
    }

    assert raised == {code.name for code in AlertCode}


def test_the_settings_that_bound_a_check_exist() -> None:
    named = {
        name
        for line in (FOLDER / "denials.md").read_text(encoding="utf-8").splitlines()
        for name in re.findall(r"`([a-z]+\.[a-z_]+)`", line)
    }

    assert named
    assert named <= {f"{entry.group}.{entry.key}" for _, (_, rows) in entries().items() for entry in rows}


def test_every_limit_is_read_by_a_check_and_named_beside_it() -> None:
    checks = sorted((ROOT / "services" / "risk" / "checks").glob("*.py"))
    read = {
        Limit[node.attr]
        for path in checks
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Limit"
    }

    assert read == set(Limit)
    assert read <= set(re.findall(r"`risk\.([a-z_]+)`", (FOLDER / "denials.md").read_text(encoding="utf-8")))


def test_kinds_that_are_filled_in_are_explained() -> None:
    templates = {each.name for each in journal_kinds(ROOT, PACKAGES) if "<" in each.name}

    assert templates == set(FILLED)
    assert set(FILLED["people.<how>"]) == _keywords("how")


def test_log_and_journal_calls_are_found_with_their_fields(tmp_path: Path) -> None:
    written = """
log.info("order.sent", order=1, venue=2)
log.exception("order.lost", exc_info=error, **more)
structlog.get_logger(__name__).critical("desk.gone")
unit.record(actor, "trade.on" if on else "trade.off", trade=3)
unit.record(actor, f"halt.{after.state.value}")
other.info("not ours")
"""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "orders.py").write_text(written, encoding="utf-8")

    logged, journalled = log_events(tmp_path, ("room",)), journal_kinds(tmp_path, ("room",))

    where = "room/orders.py"
    assert logged == [
        Emitted(name="desk.gone", level="critical", fields=(), file=where),
        Emitted(name="order.lost", level="error", fields=("exception", "..."), file=where),
        Emitted(name="order.sent", level="info", fields=("order", "venue"), file=where),
    ]
    assert [(each.name, each.fields) for each in journalled] == [
        ("halt.<state>", ()),
        ("trade.off", ("trade",)),
        ("trade.on", ("trade",)),
    ]


@pytest.mark.parametrize("call", ['log.info("Prose, with words")', "log.error(name)", 'log.info(f"order.{find()}")'])
def test_a_log_call_without_a_constant_name_is_an_error(tmp_path: Path, call: str) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "orders.py").write_text(call, encoding="utf-8")

    with pytest.raises(Unnamed, match=r"room/orders\.py:1"):
        log_events(tmp_path, ("room",))


def _keywords(name: str) -> set[str]:
    """Return every text that is given by this keyword where people get their roles."""
    given = (each.value for call in _calls(ROOT / "services" / "access") for each in call.keywords if each.arg == name)
    return {value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def _calls(folder: Path) -> Iterator[ast.Call]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node
