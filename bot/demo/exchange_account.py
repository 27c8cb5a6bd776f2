"""Ann's account at the sandbox's exchange: opened by a file, traded with keys that nobody sees."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bot.demo.console import CannotStart


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAccount:
    """The account's name at the exchange, the sandbox's file of accounts, and the file of keys that the desk reads."""

    name: str
    accounts_file: Path
    keys_file: Path

    def order(self) -> None:
        """Write the sandbox's file, once, with nothing paid in: the sandbox makes up the keys and writes them back."""
        if self.accounts_file.exists():
            return
        _write(self.accounts_file, {"accounts": [{"name": self.name, "balances": {}}]})

    def hand_over(self) -> None:
        """Write the desk's file of keys from the sandbox's; raise CannotStart when the sandbox has made none."""
        try:
            rows = json.loads(self.accounts_file.read_text(encoding="utf-8"))["accounts"]
            own = next(row for row in rows if row["name"] == self.name)
            _write(self.keys_file, {"api_key": own["key"], "secret": own["secret"]})
        except (OSError, ValueError, KeyError, StopIteration) as error:
            cause = f"{self.accounts_file} holds no keys of {self.name} ({type(error).__name__})"
            raise CannotStart(cause, "start anew with --fresh") from error

    def secrets(self) -> frozenset[str]:
        """Return what must stand in no message and no log."""
        return frozenset(json.loads(self.keys_file.read_text(encoding="utf-8")).values())


def _write(file: Path, content: dict[str, object]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(content, opened)
    draft.replace(file)
