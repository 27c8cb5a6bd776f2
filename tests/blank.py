"""A desk's database before its first start, made once for each process: migrating takes longer than most tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from migrations.api import upgrade


@cache
def empty_database() -> bytes:
    """Return the file of a migrated database without rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sortie.db")
        upgrade(f"sqlite:///{file}")
        return file.read_bytes()


def migrate(url: str) -> None:
    """Bring a database to where the newest revision leaves it; a SQLite file that is not there yet comes as a copy."""
    place = make_url(url)
    file = Path(str(place.database))
    if place.get_backend_name() != "sqlite" or file.exists():
        upgrade(url)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(empty_database())
