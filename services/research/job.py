"""A backtest to be run, as it travels to the process that runs it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from services.research.rules import Entry, Rules, SameBar, Sizing, Trail

ENUMS: Mapping[str, type[IntEnum]] = {"entry": Entry, "sizing": Sizing, "trail": Trail, "same_bar": SameBar}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an instrument's candles are: in the store of ``folder``, or in ``file``.

    ``timeframe`` is None where a file tells it itself; ``finer`` a smaller timeframe of the store; ``funding`` a file of rates.
    """

    symbol: str
    timeframe: str | None
    venue: str = ""
    folder: str = ""
    file: str = ""
    finer: str = ""
    funding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a run needs.

    ``strategy`` is a name or a plug-in's file; ``strategy_folders`` are searched for names. Times are milliseconds UTC, ``now``
    that of the order. ``draws`` and ``runs`` are how often trades are drawn again and entries at random are played. ``out`` is
    an existing folder that gets ``report.json`` and, with ``page``, ``report.html``. ``memory_mib`` bounds what the process may
    take, ``idle`` lets everything else on the machine go first.
    """

    strategy: str
    sources: tuple[Source, ...]
    rules: Rules
    out: str
    now: int
    strategy_folders: tuple[str, ...] = ()
    parameters: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    draws: int = 1_000
    runs: int = 100
    seed: int = 1
    page: bool = True
    memory_mib: int = 2_048
    idle: bool = True

    @property
    def folder(self) -> Path:
        """Return where the report goes."""
        return Path(self.out)


def job_as_json(job: Job) -> str:
    """Write a job as one line."""
    return json.dumps(dataclasses.asdict(job), allow_nan=False)


def job_from_json(text: str) -> Job:
    """Read a job back; raise ValueError, KeyError or TypeError for anything else."""
    found: dict[str, Any] = json.loads(text)
    rules = found["rules"] | {name: kind(found["rules"][name]) for name, kind in ENUMS.items()}
    return Job(
        **found
        | {
            "sources": tuple(Source(**each) for each in found["sources"]),
            "rules": Rules(**rules | {"shares": tuple(rules["shares"])}),
            "strategy_folders": tuple(found["strategy_folders"]),
        }
    )
