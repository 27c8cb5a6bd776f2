"""Secrets that exist for the length of one test."""

from __future__ import annotations

import random
import string

ALPHABET = string.ascii_letters + string.digits + "_-"


def random_text(length: int) -> str:
    """Return text that appears nowhere else."""
    return "".join(random.SystemRandom().choices(ALPHABET, k=length))


def random_bot_token() -> str:
    """Return text with the shape of a bot token."""
    return f"{random.SystemRandom().randrange(10**8, 10**10)}:{random_text(35)}"
