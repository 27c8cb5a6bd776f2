"""Formatted text: entities counted in UTF-16 code units, cleaned and found the way Telegram does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sandbox.telegram.failures import bad
from sandbox.telegram.wire import JsonObject

DATE_TIME_FORMAT = re.compile(r"r|w?[dD]?[tT]?")
"""The published grammar of a date_time entity's format."""

SPLITTABLE = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_FOUND_BY_SERVER = frozenset({"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"})
_EXPLICIT = SPLITTABLE | QUOTES | {"code", "pre", "text_link", "text_mention", "custom_emoji", "date_time"}

_CONTROLS = {code: " " for code in range(32) if code != 10}
_AUTOMATIC = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]+[^\s<>\".,;:!?)'\]])"
    r"|(?P<email>\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,24}\b)"
    r"|(?<![\w/@])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/])"
    r"|(?<![\w@])(?P<mention>@[A-Za-z][A-Za-z0-9_]{2,31})\b"
    r"|(?<![\w#])(?P<hashtag>#(?=\d*[^\W\d])\w{1,256})\b"
    r"|(?<![\w$])(?P<cashtag>\$[A-Z]{1,8})(?!\w)"
)
_MAY_HOLD_AUTOMATIC = re.compile(r"[/@#$]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A special part of a text; offset and length count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""
    user_id: int = 0
    custom_emoji_id: str = ""
    unix_time: int | None = None
    date_time_format: str = ""

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class FormattedText:
    """A text as it is shown, without markup, and its entities in order."""

    text: str
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """Count the UTF-16 code units of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def cut(text: str, offset: int, length: int) -> str:
    """Take the part of a text that an entity covers."""
    if text.isascii():
        return text[offset : offset + length]
    return text.encode("utf-16-le")[offset * 2 : (offset + length) * 2].decode("utf-16-le", "replace")


def explicit(text: str, given: Sequence[JsonObject]) -> FormattedText:
    """Take the entities of a request as they are; refuse those that do not fit the text."""
    total = units(text)
    entities = []
    for entry in given:
        if entry["type"] in _FOUND_BY_SERVER:
            continue
        entity = _from_request(entry)
        if entity.offset < 0 or entity.length <= 0 or entity.end > total:
            raise bad(
                f"can't parse entities: entity beginning at UTF-16 offset {entity.offset} ends after the end"
                f" of the text at UTF-16 offset {total}"
            )
        entities.append(entity)
    _check_boundaries(text, entities)
    return FormattedText(text=text, entities=tuple(entities))


def clean(formatted: FormattedText, people: Callable[[int], bool]) -> FormattedText:
    """Normalise a text: control characters, outer white space, entity order and nesting, found entities.

    `people` tells whether a user id is known; a mention of an unknown user loses its entity, as in Telegram.
    """
    text = formatted.text.translate(_CONTROLS)
    entities = [entity for entity in formatted.entities if not entity.user_id or people(entity.user_id)]
    text, entities = _trimmed(text, entities)
    entities = _nested(entities)
    if _MAY_HOLD_AUTOMATIC.search(text):
        entities = _with_found(text, entities)
    entities.sort(key=_order)
    return FormattedText(text=text, entities=tuple(entities))


def plain(text: str) -> FormattedText:
    """Build a text as a person types it: no markup, commands and links found."""
    return clean(FormattedText(text=text), lambda _: True)


def wire(entities: Iterable[Entity], user: Callable[[int], JsonObject]) -> list[JsonObject]:
    """Build the API's MessageEntity objects; `user` builds the User object of a text mention."""
    result = []
    for entity in entities:
        entry: JsonObject = {"offset": entity.offset, "length": entity.length, "type": entity.type}
        if entity.url:
            entry["url"] = entity.url
        if entity.language:
            entry["language"] = entity.language
        if entity.user_id:
            entry["user"] = user(entity.user_id)
        if entity.custom_emoji_id:
            entry["custom_emoji_id"] = entity.custom_emoji_id
        if entity.unix_time is not None:
            entry["unix_time"] = entity.unix_time
            entry["date_time_format"] = entity.date_time_format
        result.append(entry)
    return result


def _from_request(entry: JsonObject) -> Entity:
    kind = entry["type"]
    if kind not in _EXPLICIT:
        raise bad("can't parse MessageEntity: unsupported type specified")
    needed = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
    if kind in needed and needed[kind] not in entry:
        raise bad(f"can't parse MessageEntity: can't find field \"{needed[kind]}\"")
    date_time_format = entry.get("date_time_format", "")
    if not DATE_TIME_FORMAT.fullmatch(date_time_format):
        raise bad("can't parse MessageEntity: invalid date_time_format specified")
    return Entity(
        type=kind,
        offset=entry["offset"],
        length=entry["length"],
        url=entry["url"] if kind == "text_link" else "",
        language=entry.get("language", "") if kind == "pre" else "",
        user_id=entry["user"]["id"] if kind == "text_mention" else 0,
        custom_emoji_id=entry["custom_emoji_id"] if kind == "custom_emoji" else "",
        unix_time=entry["unix_time"] if kind == "date_time" else None,
        date_time_format=date_time_format if kind == "date_time" else "",
    )


def _check_boundaries(text: str, entities: Sequence[Entity]) -> None:
    if text.isascii() or not entities:
        return
    inside = set()
    at = 0
    for character in text:
        if ord(character) > 0xFFFF:
            inside.add(at + 1)
            at += 1
        at += 1
    for entity in entities:
        if entity.offset in inside or entity.end in inside:
            raise bad("can't parse entities: entity begins in a middle of a UTF-16 symbol")


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    # White space that an entity begins with stays: a pre block may start with spaces.
    first = min((entity.offset for entity in entities), default=len(text))
    lead = 0
    while lead < min(first, len(text)) and text[lead] in " \n":
        lead += 1
    text = text[lead:].rstrip(" \n")
    total = units(text)
    kept = []
    for entity in entities:
        offset = entity.offset - lead
        length = min(entity.length, total - offset)
        if length > 0:
            kept.append(replace(entity, offset=offset, length=length))
    return text, kept


def _order(entity: Entity) -> tuple[int, int, int]:
    return entity.offset, -entity.length, entity.type not in QUOTES


def _nested(entities: list[Entity]) -> list[Entity]:
    """Keep what may nest: styles merge with their like and leave code alone; other kinds do not overlap."""
    if len(entities) < 2:
        return entities
    solid: list[Entity] = []
    styles: dict[str, list[Entity]] = {}
    for entity in sorted(entities, key=_order):
        if entity.type in SPLITTABLE:
            styles.setdefault(entity.type, []).append(entity)
        elif not any(_conflict(entity, other) for other in solid):
            solid.append(entity)
    code = [entity for entity in solid if entity.type in ("code", "pre")]
    for same in styles.values():
        for part in _merged(same):
            solid.extend(_outside(part, code))
    return solid


def _conflict(entity: Entity, other: Entity) -> bool:
    if entity.offset >= other.end or other.offset >= entity.end:
        return False
    if (entity.type in QUOTES) == (other.type in QUOTES):
        return True
    crossing = entity.end > other.end and entity.offset > other.offset
    return crossing or (other.type not in QUOTES and entity.length > other.length)


def _merged(same: list[Entity]) -> list[Entity]:
    result: list[Entity] = []
    for entity in same:
        if result and entity.offset <= result[-1].end:
            last = result[-1]
            result[-1] = replace(last, length=max(last.end, entity.end) - last.offset)
        else:
            result.append(entity)
    return result


def _outside(entity: Entity, code: list[Entity]) -> list[Entity]:
    parts = [entity]
    for block in code:
        rest: list[Entity] = []
        for part in parts:
            if part.offset >= block.end or block.offset >= part.end:
                rest.append(part)
                continue
            if part.offset < block.offset:
                rest.append(replace(part, length=block.offset - part.offset))
            if part.end > block.end:
                rest.append(replace(part, offset=block.end, length=part.end - block.end))
        parts = rest
    return parts


def _with_found(text: str, entities: list[Entity]) -> list[Entity]:
    taken = [entity for entity in entities if entity.type not in SPLITTABLE and entity.type not in QUOTES]
    found = []
    for match in _AUTOMATIC.finditer(text):
        kind = match.lastgroup or ""
        start, end = match.span(kind)
        entity = Entity(type=kind, offset=units(text[:start]), length=units(text[start:end]))
        if not any(entity.offset < other.end and other.offset < entity.end for other in taken):
            found.append(entity)
    return entities + found
