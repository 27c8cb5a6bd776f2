"""What ``sortie demo`` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """The demo's flags; ``start`` is a bar's index, or None to let the demo pick it.

    ``candles`` empty means a seeded market. ``bar_s`` is the length of one bar in seconds. ``port`` 0 takes a free one.
    ``state_dir`` None means the demo's own folder.
    """

    candles: tuple[Path, ...] = ()
    bar_s: float | None = None
    seed: int | None = None
    start: int | None = None
    headless: bool = False
    seconds: float | None = None
    port: int = 0
    state_dir: Path | None = None
    open_browser: bool = True
    fresh: bool = False
