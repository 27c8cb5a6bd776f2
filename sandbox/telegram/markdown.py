"""Telegram's MarkdownV2: nested entities, escapes, and its words for what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.telegram.entities import Entity, FormattedText
from sandbox.telegram.markup import Draft, failure, from_special_link, link

_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_TOKENS = {"__": "underline", "||": "spoiler", "_": "italic", "*": "bold", "~": "strikethrough"}
_TITLES = {
    "bold": "Bold", "italic": "Italic", "underline": "Underline", "strikethrough": "Strikethrough",
    "spoiler": "Spoiler", "code": "Code", "pre": "Pre", "text_link": "TextUrl", "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}  # fmt: skip


@dataclass(slots=True)
class _Open:
    type: str
    offset: int
    mark: int
    begin: int
    language: str = ""
    expandable: bool = False


def parse(source: str) -> FormattedText:
    """Parse MarkdownV2; raise Refused "can't parse entities: ..." where Telegram does."""
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._draft = Draft(source)
        self._open: list[_Open] = []
        self._quoting = False

    def run(self) -> FormattedText:
        while self._at < len(self._source):
            self._step()
        if self._quoting:
            self._end_quote()
        if self._open:
            raise self._unfinished(self._open[-1])
        return self._draft.finished()

    def _step(self) -> None:
        character = self._source[self._at]
        following = self._peek(1)
        if character == "\\" and following and 0 < ord(following) <= 126:
            self._draft.put(following)
            self._at += 2
        elif self._in_code():
            self._code_step(character)
        elif character == "\n":
            self._line_end()
        elif character == ">" and self._at_line_start():
            self._begin("blockquote", 1)
            self._quoting = True
        elif character in _RESERVED:
            self._token(character)
        else:
            self._put(character)

    def _put(self, character: str) -> None:
        self._draft.put(character)
        self._at += 1

    def _code_step(self, character: str) -> None:
        opened = self._open[-1]
        if character != "`":
            self._put(character)
        elif opened.type == "code":
            self._end(1)
        elif self._source.startswith("```", self._at):
            self._end(3)
        else:
            raise self._reserved(character)

    def _token(self, character: str) -> None:
        if self._hides_rest_of_quote():
            return
        for token, kind in _TOKENS.items():
            if self._source.startswith(token, self._at):
                if self._open and self._open[-1].type == kind:
                    self._end(len(token))
                else:
                    self._begin(kind, len(token))
                return
        if character == "`":
            self._begin_code()
        elif character == "[":
            self._begin("text_link", 1)
        elif character == "!" and self._peek(1) == "[":
            self._begin("custom_emoji", 2)
        elif character == "]" and self._open and self._open[-1].type in ("text_link", "custom_emoji"):
            self._end_link()
        else:
            raise self._reserved(character)

    def _begin(self, kind: str, width: int, language: str = "") -> None:
        self._open.append(_Open(kind, self._draft.offset, self._draft.mark(), self._at, language))
        self._at += width

    def _begin_code(self) -> None:
        if not self._source.startswith("```", self._at):
            self._begin("code", 1)
            return
        end = self._at + 3
        while end < len(self._source) and not self._source[end].isspace() and self._source[end] != "`":
            end += 1
        language = self._source[self._at + 3 : end]
        if self._source[end : end + 1] in ("`", ""):
            end, language = self._at + 3, ""
        if self._source[end : end + 1] == "\n":
            end += 1
        self._begin("pre", end - self._at, language)

    def _end(self, width: int) -> None:
        opened = self._open.pop()
        self._at += width
        length = self._draft.offset - opened.offset
        if length:
            self._draft.entities.append(Entity(type=opened.type, offset=opened.offset, length=length, language=opened.language))

    def _end_link(self) -> None:
        opened = self._open.pop()
        special = opened.type == "custom_emoji"
        self._at += 1
        offset, length = opened.offset, self._draft.offset - opened.offset
        if self._peek(0) != "(":
            if special:
                raise failure("custom emoji entity must contain a tg://emoji URL")
            url = self._draft.since(opened.mark)
        else:
            url = self._url()
        if length:
            entity = from_special_link(url, offset, length) if special else link(url, offset, length)
            if entity:
                self._draft.entities.append(entity)

    def _url(self) -> str:
        begin = self._at + 1
        self._at = begin
        url = []
        while self._at < len(self._source) and self._source[self._at] != ")":
            if self._source[self._at] == "\\" and self._peek(1):
                self._at += 1
            url.append(self._source[self._at])
            self._at += 1
        if self._at >= len(self._source):
            raise self._draft.failure("can't find end of a URL", begin)
        self._at += 1
        return "".join(url)

    def _line_end(self) -> None:
        if self._quoting and self._peek(1) != ">":
            self._end_quote()
        self._put("\n")
        if self._quoting:
            self._at += 1

    def _hides_rest_of_quote(self) -> bool:
        """Take the "||" that closes an expandable quotation: at its end, with no spoiler open."""
        rest = self._source[self._at : self._at + 3]
        if not self._quoting or self._open[-1].type != "blockquote" or rest not in ("||", "||\n"):
            return False
        self._open[-1].expandable = True
        self._at += 2
        return True

    def _end_quote(self) -> None:
        opened = self._open[-1]
        if opened.type != "blockquote":
            raise self._unfinished(opened)
        self._open.pop()
        self._quoting = False
        length = self._draft.offset - opened.offset
        if length:
            kind = "expandable_blockquote" if opened.expandable else "blockquote"
            self._draft.entities.append(Entity(type=kind, offset=opened.offset, length=length))

    def _at_line_start(self) -> bool:
        if self._quoting:
            return False
        before = self._source[: self._at]
        # An empty bold entity may stand between two quotations to keep them apart.
        return not before or before.endswith(("\n", "\n**")) or before in ("**",)

    def _in_code(self) -> bool:
        return bool(self._open) and self._open[-1].type in ("code", "pre")

    def _peek(self, distance: int) -> str:
        return self._source[self._at + distance : self._at + distance + 1]

    def _reserved(self, character: str) -> Exception:
        return failure(f"character '{character}' is reserved and must be escaped with the preceding '\\'")

    def _unfinished(self, opened: _Open) -> Exception:
        return self._draft.failure(f"can't find end of {_TITLES[opened.type]} entity", opened.begin)
