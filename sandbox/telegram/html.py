"""Telegram's HTML: its tags, its four named entities, its words for what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sandbox.telegram.entities import Entity, FormattedText
from sandbox.telegram.markup import Draft, custom_emoji, date_time, failure, link

_STYLES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "span": "spoiler",
}  # fmt: skip
_TAGS = frozenset(_STYLES) | {"a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))|([A-Za-z]+));?")
_NEXT = re.compile(r"[<&]")
_SPACE = " \t\r\n\f\v"


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    mark: int


def parse(source: str) -> FormattedText:
    """Parse Telegram's HTML; raise Refused "can't parse entities: ..." where Telegram does."""
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._draft = Draft(source)
        self._open: list[_Open] = []

    def run(self) -> FormattedText:
        source = self._source
        while self._at < len(source):
            found = _NEXT.search(source, self._at)
            stop = found.start() if found else len(source)
            if stop > self._at:
                self._draft.put(source[self._at : stop])
                self._at = stop
            elif source[stop] == "&":
                self._draft.put(self._reference())
            elif source.startswith("</", stop):
                self._end_tag()
            else:
                self._start_tag()
        if self._open:
            raise failure(f'can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        finished = self._draft.finished()
        return replace(finished, entities=tuple(_without_code_language(finished.entities)))

    def _reference(self) -> str:
        match = _REFERENCE.match(self._source, self._at)
        character = _decoded(match) if match else ""
        if not match or not character:
            self._at += 1
            return "&"
        self._at = match.end()
        return character

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        name = self._word(">").lower()
        if self._at >= len(self._source):
            raise self._draft.failure("unclosed start tag", begin)
        if name not in _TAGS:
            raise self._draft.failure(f'unsupported start tag "{name}"', begin)
        attributes = self._attributes(name, begin)
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._draft.failure('tag "span" must have class "tg-spoiler"', begin)
        self._open.append(_Open(name, attributes, self._draft.offset, self._draft.mark()))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        while True:
            self._skip_space()
            if self._at >= len(self._source):
                raise self._draft.failure("unclosed start tag", begin)
            if self._source[self._at] == ">":
                self._at += 1
                return attributes
            name = self._word("=>")
            if not name:
                raise self._draft.failure(f'empty attribute name in the tag "{tag}"', begin)
            self._skip_space()
            if self._source[self._at : self._at + 1] != "=":
                if tag != "blockquote" or name != "expandable":
                    raise self._draft.failure(f'expected equal sign in declaration of an attribute of the tag "{tag}"', begin)
                attributes[name] = ""
                continue
            self._at += 1
            self._skip_space()
            attributes[name] = self._value(begin)

    def _value(self, begin: int) -> str:
        source = self._source
        quote = source[self._at : self._at + 1]
        if quote not in ("'", '"'):
            start = self._at
            while self._at < len(source) and (source[self._at].isalnum() or source[self._at] in ".-"):
                self._at += 1
            if source[self._at : self._at + 1] not in ("", ">", *_SPACE):
                raise self._draft.failure("unexpected end of name token", start)
            return source[start : self._at].lower()
        self._at += 1
        value = []
        while self._at < len(source) and source[self._at] != quote:
            if source[self._at] == "&":
                value.append(self._reference())
            else:
                value.append(source[self._at])
                self._at += 1
        if self._at >= len(source):
            raise self._draft.failure("unclosed start tag", begin)
        self._at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise self._draft.failure("unexpected end tag", begin)
        self._at += 2
        name = self._word(">").lower()
        self._skip_space()
        if self._source[self._at : self._at + 1] != ">":
            raise self._draft.failure("unclosed end tag", begin)
        self._at += 1
        opened = self._open.pop()
        if name and name != opened.tag:
            offset = len(self._source[:begin].encode())
            raise failure(f'unmatched end tag at byte offset {offset}, expected "</{opened.tag}>", found "</{name}>"')
        if self._draft.offset > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        offset, length = opened.offset, self._draft.offset - opened.offset
        entities = self._draft.entities
        tag, attributes = opened.tag, opened.attributes
        if tag in _STYLES:
            entities.append(Entity(type=_STYLES[tag], offset=offset, length=length))
        elif tag == "a":
            entity = link(attributes.get("href") or self._draft.since(opened.mark), offset, length)
            if entity:
                entities.append(entity)
        elif tag == "blockquote":
            kind = "expandable_blockquote" if "expandable" in attributes else "blockquote"
            entities.append(Entity(type=kind, offset=offset, length=length))
        elif tag == "tg-emoji":
            entities.append(custom_emoji(attributes.get("emoji-id", ""), offset, length))
        elif tag == "tg-time":
            entities.append(date_time(attributes.get("unix", ""), attributes.get("format", ""), offset, length))
        else:
            self._close_code(opened, offset, length)

    def _close_code(self, opened: _Open, offset: int, length: int) -> None:
        """Close pre or code; a code that names a language and fills a pre gives the pre its language."""
        entities = self._draft.entities
        language = opened.attributes.get("class", "").removeprefix("language-") if opened.tag == "code" else ""
        if not opened.attributes.get("class", "").startswith("language-"):
            language = ""
        inner = entities[-1] if entities else None
        same = inner is not None and inner.offset == offset and inner.length == length
        if inner is not None and same and {inner.type, opened.tag} == {"pre", "code"} and (inner.language or language):
            entities[-1] = replace(inner, type="pre", language=inner.language or language)
        else:
            entities.append(Entity(type=opened.tag, offset=offset, length=length, language=language))

    def _word(self, stops: str) -> str:
        start = self._at
        while self._at < len(self._source) and self._source[self._at] not in stops + _SPACE:
            self._at += 1
        return self._source[start : self._at]

    def _skip_space(self) -> None:
        while self._at < len(self._source) and self._source[self._at] in _SPACE:
            self._at += 1


def _decoded(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED.get(name, "")
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if 0xD800 <= code <= 0xDFFF:
        raise failure(
            "text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"
        )
    return chr(code) if 0 < code < 0x10FFFF else ""


def _without_code_language(entities: tuple[Entity, ...]) -> list[Entity]:
    return [replace(entity, language="") if entity.type == "code" else entity for entity in entities]
