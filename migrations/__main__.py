"""Write the next revision from what the tables say: ``python -m migrations "what changes"``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from migrations import api


def write_revision(message: str) -> None:
    """Compare a database at the newest revision with the tables and write down the difference."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'scratch.db'}"
        config = Config(str(api.FOLDER.parent / "alembic.ini"))
        config.attributes["url"] = url
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('usage: python -m migrations "what changes"')
    write_revision(sys.argv[1].strip())
