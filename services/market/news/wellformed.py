"""What of a document is looked at before anything else reads it: whether it is XML, and none that swells."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

from services.domain.news import SourceTrouble, Trouble

MOST_ELEMENTS = 50_000
DEEPEST = 60
LONGEST_DATE = 100
_DATES = frozenset({"pubdate", "published", "updated", "modified", "created", "issued", "date"})


def check_xml(body: bytes) -> None:
    """Raise SourceTrouble for what is no XML, declares entities, or has more elements, depth or date than a feed has.

    Entities that name each other are how a small document becomes a huge one; a feed needs none of its own.
    """
    _Looking().over(body)


class _Looking:
    def __init__(self) -> None:
        self._elements = 0
        self._within: list[str] = []
        self._date = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.EntityDeclHandler = self._entity
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def over(self, body: bytes) -> None:
        try:
            self._parser.Parse(body, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SourceTrouble(Trouble.NOT_XML, str(error)[:80]) from error

    def _entity(self, *declared: object) -> NoReturn:
        raise SourceTrouble(Trouble.ENTITIES, "declares entities of its own")

    def _start(self, name: str, attributes: object) -> None:
        self._elements += 1
        self._within.append(name.rpartition(" ")[2].lower())
        self._date = 0
        if self._elements > MOST_ELEMENTS or len(self._within) > DEEPEST:
            raise SourceTrouble(Trouble.TOO_LARGE, f"more than {MOST_ELEMENTS} elements, or {DEEPEST} in each other")

    def _end(self, name: str) -> None:
        self._within.pop()

    def _text(self, text: str) -> None:
        if self._within[-1] in _DATES:
            # Dates are read by patterns, whose time can grow with more than the length.
            self._date += len(text)
            if self._date > LONGEST_DATE:
                raise SourceTrouble(Trouble.NOT_A_FEED, f"a date of more than {LONGEST_DATE} characters")
