"""Keep what is played and where it stands in a folder, so that a restarted market goes on at wall time."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.exchange.errors import StateError
from sandbox.exchange.placement import Held, Placement, Running, Waiting

_FILE = "market.json"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What is played: a seed, or candle files by path and by the digests of their contents, and the bar in seconds."""

    seed: int | None
    paths: tuple[Path, ...]
    digests: tuple[str, ...]
    bar_seconds: int

    def same_as(self, other: "Played") -> bool:
        """Tell whether both are the same market; a file that moved is, a file that changed is not."""
        return (self.seed, self.digests, self.bar_seconds) == (other.seed, other.digests, other.bar_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptState:
    """What was played, and its placement."""

    played: Played
    placement: Placement


class MarketState:
    """Read and write the state file in a folder, which is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def read(self) -> KeptState | None:
        """Read the state, None when there is none; raises StateError for a file that was not written here."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if kept["version"] != _VERSION:
                raise ValueError(f"version {kept['version']}, expected {_VERSION}")
            return KeptState(played=_played(kept["played"]), placement=_placement(kept["placement"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{self._path}: cannot be read ({error!r}); remove it to begin a new market") from error

    def write(self, state: KeptState) -> None:
        """Replace the state file in one step that survives a crash."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(_written(state), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _written(state: KeptState) -> dict[str, Any]:
    played = state.played
    return {
        "version": _VERSION,
        "played": {
            "seed": played.seed,
            "paths": [str(path) for path in played.paths],
            "digests": list(played.digests),
            "bar_seconds": played.bar_seconds,
        },
        "placement": _written_placement(state.placement),
    }


def _written_placement(placement: Placement) -> dict[str, Any]:
    match placement:
        case Held():
            return {"state": "held"}
        case Waiting(index=index, close_in=close_in):
            return {"state": "waiting", "index": index, "close_in": close_in}
        case Running(index=index, opens_at=opens_at):
            return {"state": "running", "index": index, "opens_at": opens_at}


def _played(kept: dict[str, Any]) -> Played:
    return Played(
        seed=None if kept["seed"] is None else int(kept["seed"]),
        paths=tuple(Path(path) for path in kept["paths"]),
        digests=tuple(str(digest) for digest in kept["digests"]),
        bar_seconds=int(kept["bar_seconds"]),
    )


def _placement(kept: dict[str, Any]) -> Placement:
    match kept["state"]:
        case "held":
            return Held()
        case "waiting":
            return Waiting(index=int(kept["index"]), close_in=int(kept["close_in"]))
        case "running":
            return Running(index=int(kept["index"]), opens_at=int(kept["opens_at"]))
        case other:
            raise ValueError(f"unknown placement {other!r}")
