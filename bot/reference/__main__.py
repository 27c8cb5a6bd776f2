"""Write the reference pages: ``python -m bot.reference``."""

from __future__ import annotations

import sys

from bot.reference import PAGES, write_pages

if __name__ == "__main__":
    for file in write_pages():
        sys.stdout.write(f"wrote {file}\n")
    sys.stdout.write(f"{len(PAGES)} reference pages are current\n")
