"""Venue keys at rest: one file in which each venue's keys are sealed, and the master key that opens it in another.

Sealed is each venue by itself with AES-256-GCM and the venue's name as associated data, so that no entry opens under another
name (https://cryptography.io/en/latest/hazmat/primitives/aead/). A file that others can read opens nothing here.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import PydanticBaseSettingsSource

from config.groups import CREDENTIALS, DeskSettings, Group

SEALED, MASTER = "venue-keys.json", "venue-keys.master"
MASTER_BYTES, NONCE_BYTES = 32, 12
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
# No venue is called so: what is sealed for something else never passes for a venue's keys.
ELSEWHERE = "elsewhere/"


class KeySettings(Group):
    """Where `sortie keys` keeps the keys of venues. Keys that stand in [venues] win."""

    file: Path | None = Field(default=None, description=f"Sealed keys; unset: {SEALED} in `desk.state_dir`")
    master_file: Path | None = Field(
        default=None, description=f"What opens them, better elsewhere; unset: {MASTER} in `desk.state_dir`"
    )


class KeyFileError(Exception):
    """The keys cannot be opened: ``cause`` says why and ``fix`` what to do."""

    def __init__(self, cause: str, fix: str) -> None:
        self.cause, self.fix = cause, fix
        super().__init__(f"{cause}; {fix}")


class KeyStore:
    """The sealed keys of all venues."""

    def __init__(self, settings: KeySettings, state_dir: Path) -> None:
        self._file = settings.file or state_dir / SEALED
        self._master = settings.master_file or state_dir / MASTER

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was ever sealed here."""
        return not self._file.exists()

    def names(self) -> list[str]:
        """Return the venues whose keys are sealed; raise KeyFileError for a file that others can read, or that is damaged."""
        return sorted(self._entries())

    def read(self, venue: str) -> dict[str, str]:
        """Return a venue's keys by name, empty when there are none; raise KeyFileError when they cannot be opened."""
        entry = self._entries().get(venue)
        if entry is None:
            return {}
        try:
            held = json.loads(self._open(venue, entry))
        except ValueError as error:
            raise KeyFileError(
                f"the keys of {venue} in {self._file} do not open with {self._master}",
                f"bring both files from one backup, or `sortie keys forget {venue}` and set them anew",
            ) from error
        return {name: str(held[name]) for name in CREDENTIALS if name in held}

    def write(self, venue: str, keys: Mapping[str, str]) -> None:
        """Seal a venue's keys in place of earlier ones; the first time a master key is made."""
        sealed = self._close(venue, json.dumps(dict(keys)).encode())
        self._save(self._entries() | {venue: sealed})

    def seal(self, subject: str, secret: str) -> str:
        """Close a secret that is kept elsewhere, so that it opens for this subject alone; raise KeyFileError."""
        return self._close(ELSEWHERE + subject, secret.encode())

    def unseal(self, subject: str, sealed: str) -> str:
        """Open what was sealed for a subject; raise KeyFileError when it does not open."""
        try:
            return self._open(ELSEWHERE + subject, sealed).decode()
        except ValueError as error:
            raise KeyFileError(
                f"the secret of {subject} does not open with {self._master}",
                "bring the master key from the backup's time, or give it a new secret",
            ) from error

    def _close(self, subject: str, plain: bytes) -> str:
        if not self._master.exists() and self.is_empty:
            _write_private(self._master, b64encode(secrets.token_bytes(MASTER_BYTES)) + b"\n")
        nonce = secrets.token_bytes(NONCE_BYTES)
        return b64encode(nonce + self._cipher().encrypt(nonce, plain, subject.encode())).decode()

    def _open(self, subject: str, sealed: str) -> bytes:
        """Return what was closed for a subject; raise ValueError for anything else."""
        from cryptography.exceptions import InvalidTag

        closed = b64decode(sealed, validate=True)
        try:
            opened: bytes = self._cipher().decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], subject.encode())
        except InvalidTag as error:
            raise ValueError("another key or another subject closed it") from error
        return opened

    def forget(self, venue: str) -> bool:
        """Remove a venue's keys; tell whether there were any."""
        entries = self._entries()
        if entries.pop(venue, None) is None:
            return False
        self._save(entries)
        return True

    def _save(self, entries: Mapping[str, str]) -> None:
        _write_private(self._file, json.dumps({"version": 1, "venues": entries}, indent=1).encode() + b"\n")

    def _entries(self) -> dict[str, str]:
        if self.is_empty:
            return {}
        try:
            entries = json.loads(_read_private(self._file))["venues"]
            return {str(name): str(entry) for name, entry in entries.items()}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise KeyFileError(
                f"{self._file} is damaged", "bring it from a backup, or remove it and set the keys anew"
            ) from error

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            master = b64decode(_read_private(self._master), validate=False)
            return AESGCM(master)
        except ValueError as error:
            raise KeyFileError(
                f"{self._master} holds no master key", "bring it from a backup; nothing else opens the keys"
            ) from error


class StoredKeys(PydanticBaseSettingsSource):
    """Gives venues without keys of their own the sealed ones; asked last, so that everything else wins."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Return nothing: the whole is given at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the sealed keys as settings; raise KeyFileError when there are some that cannot be opened."""
        store = _raw_store(self.current_state)
        if store.is_empty:
            return {}
        named = self.current_state.get("venues") or {"binance": {}}
        found = {name: store.read(name) for name in store.names() if name in named and not _has_keys(named[name])}
        return {"venues": found} if found else {}


def _raw_store(tree: Mapping[str, Any]) -> KeyStore:
    desk, keys = tree.get("desk"), tree.get("keys") or {}
    folder = desk.get("state_dir") if isinstance(desk, Mapping) else getattr(desk, "state_dir", None)
    settings = keys if isinstance(keys, KeySettings) else KeySettings.model_validate(keys)
    return KeyStore(settings, Path(folder or DeskSettings().state_dir))


def _has_keys(venue: Any) -> bool:
    if not isinstance(venue, Mapping):
        return True
    return any(venue.get(name) is not None for name in (*CREDENTIALS, "secret_file"))


def _read_private(file: Path) -> bytes:
    try:
        handed_over = os.environ.get(CREDENTIALS_VARIABLE)
        # What the service manager hands over is the service's alone, by rules that the file's mode does not show.
        trusted = sys.platform == "win32" or (handed_over is not None and file.parent == Path(handed_over))
        if not trusted and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise KeyFileError(f"{file} can be read by others on this machine", f"chmod 600 {file}, and think the keys seen")
        return file.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{file} cannot be read: {error.strerror}", "look at its path, owner and mode") from error


def _write_private(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(fresh, file)
