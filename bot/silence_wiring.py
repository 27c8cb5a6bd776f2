"""The stage that keeps telling venues that the desk lives."""

from __future__ import annotations

from collections.abc import Callable

from bot.wiring import Outside, Trading
from config.settings import Settings
from services.execution.dead_man import DeadMan, DeadManPorts


def build_dead_man(settings: Settings, trading: Trading, outside: Outside, alive: Callable[[str], bool]) -> DeadMan:
    """Build the stage that tells venues that the desk lives; ``alive`` tells whether a stage of it does."""
    ports = DeadManPorts(
        venues=trading.venues,
        clock=outside.clock,
        ids=outside.ids,
        beats=outside.beats,
        alive=alive,
        lease=outside.lease,
    )
    return DeadMan(trading.database, ports, settings.deadman)
