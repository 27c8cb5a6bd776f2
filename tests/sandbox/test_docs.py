"""docs/sandbox.md names everything there is to switch, call and press."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.__main__ import _parser
from sandbox.clock import ManualClock
from sandbox.server import create_app
from sandbox.telegram.api import BotApi
from sandbox.telegram.faults import KINDS
from sandbox.telegram.world import ANN, PEOPLE, TOPICS, World

from .conftest import BOT_ID

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def test_every_fault_person_and_topic_is_named() -> None:
    for kind in KINDS:
        assert f"`{kind}`" in TEXT
    for person in PEOPLE:
        assert person.name in TEXT
        assert str(person.id) in TEXT
    for name, thread_id in TOPICS.items():
        assert f"{name} ({thread_id})" in TEXT


def test_every_flag_is_named() -> None:
    for action in _parser()._actions:
        for flag in action.option_strings:
            if flag.startswith("--") and flag != "--help":
                assert f"`{flag}" in TEXT, flag


def test_every_page_route_is_named() -> None:
    world = World(clock=ManualClock(), bot_id=BOT_ID)
    app = create_app(world, token="").app
    paths = {resource.canonical for resource in app.router.resources()}
    pages = {path for path in paths if path.startswith("/page/") and "{" not in path}

    assert len(pages) > 20
    assert [path for path in sorted(pages) if path not in TEXT] == []


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_example_runs(code: str) -> None:
    exec(code, {"ManualClock": ManualClock, "World": World, "BotApi": BotApi, "ANN": ANN})
