"""What a run of the desk finds around itself: each part has its real form here, and a simulation brings its own."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aiogram.client.session.base import BaseSession

from bot.delivery import Pictures
from bot.polling import Line, http_line
from bot.scheduler import Tick, Ticker
from bot.system import SystemClock, SystemIds
from bot.telegram import http_session
from bot.wiring import Exchange
from services.charts.png import ChartRenderer
from services.domain.ports import Clock, Ids, MarketData, QuoteSource, Venue


class Ticking(Protocol):
    """Calls each tick at its pace."""

    def every(self, seconds: float, name: str, tick: Tick) -> None:
        """Call a tick every so many seconds."""
        ...

    def hurry(self, name: str) -> None:
        """Call a tick now rather than at its next turn."""
        ...

    def next_run(self, name: str) -> datetime | None:
        """Return when a tick is called next."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Call nothing more."""
        ...


def same(venue: Venue) -> Venue:
    """Return the paper venue as it is."""
    return venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Clock, ids and chance; the ways to the market, the venues and the chat; and what calls and draws.

    ``session`` and ``line`` are made for an address; ``venue`` may stand between the desk and its paper venue, ``exchange``
    makes what stands in for a named one, ``market`` for the public side. ``chance`` returns numbers from 0 to 1.
    ``confirmed_live`` are the terminals that the start names as live.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    chance: Callable[[], float] = random.random
    pid: int = field(default_factory=os.getpid)
    ticker: Callable[[], Ticking] = Ticker
    charts: Callable[[], Pictures] = ChartRenderer
    session: Callable[[str], BaseSession] = http_session
    line: Callable[[str], Line] = http_line
    market: MarketData | None = None
    venue: Callable[[Venue], Venue] = same
    exchange: Callable[[str, QuoteSource], Exchange] | None = None
    confirmed_live: frozenset[str] = frozenset()
