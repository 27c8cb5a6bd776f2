"""Take secrets out of text, and make what is hostile in it visible, wherever text leaves the process as a log or a report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr
from sqlalchemy import make_url

from config.settings import Settings

HIDDEN = "[hidden]"
SHORTEST = 6
DEEPEST = 8
LONGEST = 20_000
MOST_ITEMS = 500

_NAMES = (
    r"(?:api[_-]?key|api[_-]?secret|secret(?:[_-]?(?:key|token))?|token|password|passwd|passphrase|private[_-]?key|signature)"
)
_SECRET_FIELD = re.compile(rf"(?:.*[_.\-])?{_NAMES}|authorization|cookie|set-cookie|x-mbx-apikey", re.IGNORECASE)
_PATTERNS = (
    # A bot token: the bot's number, a colon and 35 characters; it stands in the path of every Bot API call.
    (re.compile(r"(?<!\d)\d{5,14}(?::|%3[Aa])[A-Za-z0-9_-]{30,}"), HIDDEN),
    # A link that gives a role to whoever opens it first, and the secret of a sender outside.
    (re.compile(r"((?:claim|invite|sig)_)[A-Za-z0-9_-]{20,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"), rf"\1{HIDDEN}"),
    # Signed queries, which venues' error texts repeat, and JSON or Python texts that name what they show.
    (re.compile(rf"(?i)({_NAMES}[\"']?\s*=\s*[\"']?)(?!\[hidden)[^\s\"'&,;)}}]+"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)([\"'](?:\w+[_-])?{_NAMES}[\"']\s*:\s*[\"'])(?!\[hidden)[^\"']+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(?i)((?:x-mbx-apikey|authorization)[\"']?\s*[:=]\s*[\"']?(?:bearer |basic )?)(?!\[hidden)[^\s\"',;]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), HIDDEN),
)
# Every pattern needs one of these; most strings of a log have none.
_SUSPECT = re.compile(r"[:=]|%3[Aa]|claim_|invite_|sig_|-----")
# C0 and C1 controls, soft hyphen, zero-width and bidirectional marks, line and paragraph separators, tags, lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


class Redactor:
    """Knows the secrets of this process and the shapes of others."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Hide these values from now on, also as a URL, as JSON or as Python would write them."""
        for secret in secrets:
            # Anything shorter would blot out ordinary words.
            if len(secret) >= SHORTEST:
                self._forms |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
                if ":" in secret:
                    self._forms |= {part for part in secret.split(":") if len(part) >= 20}
        if self._forms:
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._known = re.compile("|".join(re.escape(form) for form in longest_first))

    def hide_known(self, text: str) -> str:
        """Return the text with this process's own secrets replaced; what only looks like one, an invitation say, stays."""
        return self._known.sub(HIDDEN, text) if self._known is not None else text

    def hide(self, text: str) -> str:
        """Return the text with every known secret, and whatever has the shape of one, replaced."""
        text = self.hide_known(text)
        if _SUSPECT.search(text):
            for pattern, replacement in _PATTERNS:
                text = pattern.sub(replacement, text)
        return text

    def clean(self, text: str, *, keep_lines: bool = False) -> str:
        """Return the text without secrets and with invisible characters written out, on one line unless lines are kept."""
        hidden = self.hide(text)
        if len(hidden) > LONGEST:
            hidden = f"{hidden[:LONGEST]} ... {len(hidden) - LONGEST} more characters"
        if keep_lines:
            return "\n".join(visible(line) for line in hidden.split("\n"))
        return visible(hidden)

    def plain(self, value: object, depth: int = 0) -> object:
        """Return the value as JSON can hold it, cleaned all the way down."""
        if value is None or (isinstance(value, bool | int) and not isinstance(value, Enum)):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else str(value)
        if isinstance(value, str | Decimal | date | PurePath | UUID):
            return self.clean(str(value.value if isinstance(value, Enum) else value))
        if isinstance(value, SecretStr | SecretBytes):
            return HIDDEN
        if depth >= DEEPEST:
            return "..."
        if isinstance(value, Enum):
            return self.plain(value.value, depth + 1)
        pairs = _pairs(value)
        if pairs is not None:
            return {self.clean(str(name)): self._field(str(name), each, depth + 1) for name, each in pairs[:MOST_ITEMS]}
        if isinstance(value, list | tuple | AbstractSet):
            return [self.plain(each, depth + 1) for each in list(value)[:MOST_ITEMS]]
        return self.clean(_text(value))

    def _field(self, name: str, value: object, depth: int) -> object:
        if isinstance(value, bool | int | float | None) or not _SECRET_FIELD.fullmatch(name):
            return self.plain(value, depth)
        return HIDDEN


def visible(text: str) -> str:
    r"""Write control, bidirectional and other invisible characters as \n, \x1b or \u202e, so that a line stays a line."""
    if text.isprintable():
        return text
    return _INVISIBLE.sub(lambda found: repr(found.group())[1:-1].encode("ascii", "backslashreplace").decode(), text)


def secrets_in(settings: Settings) -> set[str]:
    """Return every secret value of the settings: secret fields, the files of token and keys, the database's password."""
    found = set(_secret_fields(settings))
    password = make_url(settings.database_url).password
    if password:
        found.add(str(password))
    try:
        token = settings.telegram.read_token()
    except OSError:
        token = None  # whoever needs the token says that its file cannot be read
    if token:
        found.add(token)
    with suppress(OSError, ValueError):  # whoever listens says that the file of the key cannot be read
        found |= {key for key in (settings.web.read_key(),) if key}
    with suppress(OSError):  # whoever speaks through the second channel says that its file cannot be read
        found |= {part for url in settings.alerts.read_urls() for part in _parts(url)}
    for venue in settings.venues.values():
        with suppress(OSError, ValueError):  # whoever trades there says that the file of keys cannot be read
            found |= set(venue.credentials().values())
    return found


def _parts(url: str) -> Iterable[str]:
    """Return an address of the second channel and what in it may be a key: all but its scheme and the name of its host.

    Many services are addressed by keys alone, the first of them where a host would stand; a host's name has a dot.
    """
    user, _, place = url.split("://", 1)[-1].rpartition("@")
    host, *path = re.split(r"[/?&=#]", place)
    return (url, *user.split(":"), *path, *(() if "." in host or ":" in host else (host,)))


def _secret_fields(model: BaseModel) -> Iterable[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        several = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
        for each in several:
            if isinstance(each, SecretStr):
                yield each.get_secret_value()
            elif isinstance(each, BaseModel):
                yield from _secret_fields(each)


def _pairs(value: object) -> list[tuple[object, object]] | None:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if is_dataclass(value) and not isinstance(value, type):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return None


def _text(value: object) -> str:
    try:
        return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else repr(value)
    except Exception as error:  # noqa: BLE001 - a log line must not fail because of what it is about; it says so instead
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


process_redactor = Redactor()
"""The one of this process: start-up registers the settings' secrets here, and every sink reads it."""
