"""Every scenario that can be died through, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.crash.chatting import Chatting
from tests.crash.recovery import Working
from tests.crash.scenarios import SCENARIOS
from tests.crash.spoken import SPOKEN
from tests.crash.spot_scenes import SCENES, Selling
from tests.crash.subjects import Subject

Make = Callable[[], Subject]

CHATTING: dict[str, Make] = {each.name: partial(Chatting, each) for each in SPOKEN}
WORKING: dict[str, Make] = {f"desk-{each.name.replace(' ', '-')}": partial(Working, each) for each in SCENARIOS}
SELLING: dict[str, Make] = {f"spot-{each.name}": partial(Selling, each) for each in SCENES}
EVERYTHING: dict[str, Make] = {**CHATTING, **WORKING, **SELLING}
