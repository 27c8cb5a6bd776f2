"""The file of accounts: who trades, with which key and secret, and what each starts with. Only its owner may read it."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.exchange.errors import MarketError

_EXAMPLE = '{"accounts": [{"name": "main", "balances": {"USDT": "10000"}}]}'
_KEY_BYTES = 32
_MODE = 0o600
DEFAULT_BALANCES: Mapping[str, Decimal] = {"USDT": Decimal(10_000)}
DEFAULT_NAME = "main"


class KeyFileError(MarketError):
    """Fix the file of accounts as the message says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One account of the file; key and secret are made up where they are empty."""

    name: str
    balances: Mapping[str, Decimal]
    key: str = ""
    secret: str = ""

    def completed(self) -> "Entry":
        """Give the entry with a key and a secret."""
        return replace(self, key=self.key or new_key(), secret=self.secret or new_key())


def new_key() -> str:
    """Make up an API key or a secret: 64 letters and digits, as Binance's are."""
    return secrets.token_hex(_KEY_BYTES)


def read_entries(path: Path) -> list[Entry]:
    """Read the accounts of a file and write back the keys that were missing.

    A file that is not there is written with one account, `main`, that has 10,000 USDT. Raises KeyFileError.
    """
    entries = _parsed(path) if path.exists() else [Entry(name=DEFAULT_NAME, balances=DEFAULT_BALANCES)]
    completed = [entry.completed() for entry in entries]
    if completed != entries or not path.exists():
        _write(path, completed)
    return completed


def _parsed(path: Path) -> list[Entry]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["accounts"]
        return [_entry(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise KeyFileError(f"{path}: cannot be read ({error!r}); expected {_EXAMPLE}") from error


def _entry(row: dict[str, Any]) -> Entry:
    unknown = set(row) - {"name", "key", "secret", "balances"}
    if unknown:
        raise ValueError(f"unknown keys {', '.join(sorted(unknown))}")
    balances = {str(asset): Decimal(str(amount)) for asset, amount in row.get("balances", DEFAULT_BALANCES).items()}
    return Entry(name=str(row["name"]), key=str(row.get("key", "")), secret=str(row.get("secret", "")), balances=balances)


def _write(path: Path, entries: list[Entry]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "name": entry.name,
            "key": entry.key,
            "secret": entry.secret,
            "balances": {asset: str(amount) for asset, amount in entry.balances.items()},
        }
        for entry in entries
    ]
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="utf-8") as file:
        json.dump({"accounts": rows}, file, indent=1)
    draft.replace(path)
