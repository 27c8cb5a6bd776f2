"""The page that senders read names every field, header and answer as the code has them, and its shell lines sign rightly."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from handlers.web.signals import KEY, MEANINGS, NONCE, SIGNATURE, SOURCE, TIMESTAMP
from services.domain.sources import TurnedAway
from services.signals.intake_auth import Purpose, sign
from services.signals.intake_body import ALIASES, FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")


def test_page_lists_every_answer_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([A-Z_]+)`", PAGE, re.MULTILINE)

    assert [(int(status), code) for status, code in rows] == [(MEANINGS[code][0], code.value) for code in TurnedAway]


def test_page_lists_every_field_and_header() -> None:
    table = PAGE[PAGE.index("| field |") : PAGE.index("### Signed")]

    assert set(re.findall(r"`([a-z_]+)`", table)) >= FIELDS | set(ALIASES)
    assert all(f"`{name}`" in PAGE for name in (KEY, NONCE, SIGNATURE, SOURCE, TIMESTAMP))


@pytest.mark.skipif(shutil.which("openssl") is None or shutil.which("bash") is None, reason="needs bash and openssl")
def test_shell_lines_of_the_page_sign_as_the_desk_checks() -> None:
    lines = [line.strip() for line in PAGE.splitlines() if line.startswith("    ")]
    script = "\n".join(line for line in lines if line.startswith(("body=", "at=", "mac=")))
    said = subprocess.run(
        ["bash", "-c", f'SECRET=key\n{script}\nprintf "%s|%s|%s|%s" "$at" "$nonce" "$mac" "$body"'],
        capture_output=True,
        text=True,
        check=True,
        timeout=40,
    ).stdout
    at, nonce, mac, body = said.split("|")

    assert sign("key", Purpose.SIGNAL, at, nonce, "", body.encode()) == f"sha256={mac}"
