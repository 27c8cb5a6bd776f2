"""What the two markup parsers share: the text being built and the failure with its byte offset."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from sandbox.telegram.entities import DATE_TIME_FORMAT, Entity, FormattedText, units
from sandbox.telegram.failures import Refused, bad

_USER_LINK = re.compile(r"tg://user\?id=(\d{1,19})")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#].*)?")


class Draft:
    """A text growing while its markup is read; offsets are UTF-16 units."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.offset = 0
        self.entities: list[Entity] = []
        self._parts: list[str] = []

    def put(self, text: str) -> None:
        self._parts.append(text)
        self.offset += units(text)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def since(self, part: int) -> str:
        """Join the parts put since the mark `part`."""
        return "".join(self._parts[part:])

    def mark(self) -> int:
        return len(self._parts)

    def failure(self, reason: str, at: int) -> Refused:
        """Refuse the markup; `at` is a position in the source, told as a byte offset as Telegram does."""
        return failure(f"{reason} at byte offset {len(self.source[:at].encode())}")

    def finished(self) -> FormattedText:
        return FormattedText(text=self.text, entities=tuple(self.entities))


def failure(reason: str) -> Refused:
    return bad(f"can't parse entities: {reason[:1].upper()}{reason[1:]}")


def link(url: str, offset: int, length: int) -> Entity | None:
    """Build the entity of a link: a mention of a user, a checked link, or nothing when it is no link."""
    user = _USER_LINK.fullmatch(url)
    if user:
        return Entity(type="text_mention", offset=offset, length=length, user_id=int(user[1]))
    checked = checked_link(url)
    return Entity(type="text_link", offset=offset, length=length, url=checked) if checked else None


def checked_link(url: str) -> str:
    """Return the link as Telegram keeps it, or "" when Telegram would not take it."""
    url = url.strip()
    if url.startswith(("tg://", "ton://")):
        return url
    if "://" not in url:
        if not _DOMAIN.fullmatch(url):
            return ""
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or ("." not in host and ":" not in host):
        return ""
    return url if parts.path or parts.query else f"{url}/"


def date_time(unix: str, shape: str, offset: int, length: int) -> Entity:
    """Build a date_time entity from the attributes of a tag or the query of a tg://time link."""
    if not unix.isascii() or not unix.isdigit() or len(unix) > 12:
        raise failure("invalid date-time unix time specified")
    if not DATE_TIME_FORMAT.fullmatch(shape):
        raise failure("invalid date-time format specified")
    return Entity(type="date_time", offset=offset, length=length, unix_time=int(unix), date_time_format=shape)


def from_special_link(url: str, offset: int, length: int) -> Entity:
    """Build the entity of a MarkdownV2 `![text](url)`: a date or a custom emoji."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if parts.scheme == "tg" and parts.netloc == "time":
        return date_time(query.get("unix", [""])[0], query.get("format", [""])[0], offset, length)
    if parts.scheme == "tg" and parts.netloc == "emoji":
        return custom_emoji(query.get("id", [""])[0], offset, length)
    raise failure("custom emoji entity must contain a tg://emoji URL")


def custom_emoji(identifier: str, offset: int, length: int) -> Entity:
    if not identifier.isascii() or not identifier.isdigit() or len(identifier) > 19:
        raise failure("invalid custom emoji identifier specified")
    return Entity(type="custom_emoji", offset=offset, length=length, custom_emoji_id=identifier)
