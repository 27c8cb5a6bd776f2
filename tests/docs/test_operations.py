"""What the operations page promises is so."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_group

from bot.__main__ import app
from bot.doctor_probes import desk_probes
from bot.system import SystemClock
from config.settings import Settings
from services.access.alerts import AlertCode
from services.operations.judgement import NAMES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_sortie_command_and_flag_of_the_pages_exists() -> None:
    group, tried = get_group(app), 0
    for words in re.findall(r"\bsortie ((?:[a-z]+ ?)(?:[^`\n]*))", PAGE + README):
        name, *rest = words.split()
        if name not in group.commands:
            continue
        command = group.commands[name]
        if isinstance(command, TyperGroup):
            command = command.commands[rest[0]]
        flags = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if re.fullmatch(r"--[a-z-]+", word)} <= flags, words
        tried += 1
    assert tried > 20


def test_every_command_of_the_shell_is_named() -> None:
    assert {name for name in get_group(app).commands if f"sortie {name}" not in PAGE + README} <= {"demo", "version"}


def test_every_check_of_the_doctor_is_explained() -> None:
    rows = re.findall(r"^\| (\w+|\w+ NAME) \|", section("Is it well"), re.MULTILINE)
    keys = {"api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}
    narrower = {"scope": "terminal", "subject": "ann-paper", "limit": "per_trade", "value": "0.005"}
    settings = Settings(web={"port": 9464}, venues={"binance": keys}, risk={"scoped": [narrower]})
    probes = [re.sub(r"^(\w+) binance$", r"\1 NAME", probe.name) for probe in desk_probes(settings, SystemClock())]

    assert sorted(set(rows) - {"check"}) == sorted(set(probes))


def test_the_ten_invariants_are_named_as_verify_names_them() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", section("The ten invariants"), re.MULTILINE)

    assert {int(number): name for number, name in rows} == NAMES


def test_every_alert_has_its_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "runbooks.md").read_text(encoding="utf-8")

    assert re.findall(r"^## ([A-Z_]+)$", page, re.MULTILINE) == [code.value for code in AlertCode]
