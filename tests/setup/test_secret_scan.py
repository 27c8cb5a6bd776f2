"""The secret scan finds what must never be committed, and says so without repeating it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from .canaries import random_bot_token, random_text

pytestmark = pytest.mark.skipif(find_spec("detect_secrets") is None, reason="detect-secrets comes with `make check`")


@pytest.mark.parametrize(
    "line",
    [
        f'TOKEN = "{random_bot_token()}"',
        f"curl https://api.telegram.org/bot{random_bot_token()}/getMe",
        "-----BEGIN RSA PRIVATE KEY-----",  # pragma: allowlist secret
        f'password = "{random_text(20)}"',
    ],
    ids=["token", "token in a URL", "private key", "password"],
)
def test_secret_is_found_and_not_repeated(tmp_path: Path, line: str) -> None:
    from deploy.secret_scan import findings

    file = tmp_path / "leak.py"
    file.write_text(f"ordinary = 1\n{line}\n")

    (found, *_) = findings([file])

    assert found.startswith(f"{file}:2: ")
    assert line not in found


def test_ordinary_code_and_silenced_lines_pass(tmp_path: Path) -> None:
    from deploy.secret_scan import findings

    file = tmp_path / "fine.py"
    file.write_text(f'token = settings.telegram.token\nkey = "{random_bot_token()}"  # pragma: allowlist secret\n')

    assert findings([file]) == []
