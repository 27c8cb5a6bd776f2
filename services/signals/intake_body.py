"""From a sender's bytes to an alert: a JSON object, or words such as ``BTCUSDT buy stop=63200 tp=65300,66400``.

Nothing is guessed. A field that is not known, stands twice or does not fit makes the whole malformed, and the answer names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from services.domain.signals import Side
from services.domain.sources import Alert

T = TypeVar("T")
Fields = Mapping[str, object]
MAX_TARGETS = 4
LONGEST_COMMENT = 200
_SYMBOL = re.compile(r"(?:[A-Z0-9_]{1,20}:)?[A-Z0-9]{2,20}(?:[/_-]?[A-Z0-9]{2,12})?(?:\.P)?")
_NUMBER = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,12})?")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SIDES = {"long": Side.LONG, "buy": Side.LONG, "short": Side.SHORT, "sell": Side.SHORT}
# What TradingView writes for an interval: minutes as a bare number, or a number with S, D, W or M, whose 1 may be missing.
_INTERVAL = re.compile(r"([1-9][0-9]{0,4})?([SDWM])?")
_TIMEFRAME = re.compile(r"[1-9][0-9]{0,4}[smhd]")
# Words of plain text and of TradingView's templates, by the field that they mean.
ALIASES = {
    "ticker": "symbol",
    "action": "side",
    "price": "entry",
    "sl": "stop",
    "tp": "targets",
    "interval": "timeframe",
    "expires_s": "lasts_s",
}
FIELDS = frozenset(
    {
        "symbol",
        "side",
        "entry",
        "stop",
        "stop_percent",
        "targets",
        "target_percents",
        "timeframe",
        "score",
        "lasts_s",
        "comment",
        "time",
        "id",
        "dry",
        "source",
        "secret",
    }
)


class Malformed(Exception):
    """The body is no alert; the text says which field and why."""


def read_fields(body: bytes) -> Fields:
    """Return the fields of a JSON object or of plain words, none checked yet; raise Malformed."""
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise Malformed("the body is not UTF-8") from error
    if not text:
        raise Malformed("the body is empty")
    named = _from_json(text) if text[0] in '{["' else _from_words(text)
    unknown = sorted(named.keys() - FIELDS)
    if unknown:
        raise Malformed(f"{_shown(unknown[0])} is no field; there are {', '.join(sorted(FIELDS))}")
    if not all(isinstance(named.get(name, ""), str) for name in ("source", "secret")):
        raise Malformed("source and secret are texts")
    return named


def read_alert(fields: Fields) -> Alert:
    """Check the fields and return what they say; raise Malformed for the first that does not fit."""
    alert = Alert(
        symbol=_need(fields, "symbol", _symbol),
        side=_need(fields, "side", _side),
        entry=_may(fields, "entry", _price),
        stop=_may(fields, "stop", _price),
        stop_percent=_may(fields, "stop_percent", _percent),
        targets=_may(fields, "targets", _list_of(_price)) or (),
        target_percents=_may(fields, "target_percents", _list_of(_percent)) or (),
        timeframe=_may(fields, "timeframe", _timeframe),
        score=_may(fields, "score", _whole(0, 100)),
        lasts_s=_may(fields, "lasts_s", _whole(10, 604_800)),
        comment=_may(fields, "comment", _comment) or "",
        time=_may(fields, "time", _time),
    )
    if (alert.stop is None) == (alert.stop_percent is None):
        raise Malformed("give one of stop and stop_percent: a price, or a distance from the entry")
    if alert.targets and alert.target_percents:
        raise Malformed("give targets or target_percents, not both")
    return alert


def read_id(fields: Fields) -> str | None:
    """Return the sender's own id of the alert, or None; raise Malformed."""
    return _may(fields, "id", read_key)


def read_key(value: object) -> str:
    """Return an id that a sender gave; raise Malformed for anything but 1 to 64 letters, digits, dots, colons and dashes."""
    text = _as_text(value)
    if not _ID.fullmatch(text):
        raise Malformed("an id has 1 to 64 of letters, digits, . _ : and -")
    return text


def read_dry(fields: Fields) -> bool:
    """Tell whether the sender only asks what would happen; raise Malformed for anything but yes or no."""
    value = fields.get("dry", False)
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in known:
        raise Malformed("dry is true or false")
    return known[value]


def _from_json(text: str) -> dict[str, object]:
    try:
        found = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Malformed("the body is not JSON") from error
    if not isinstance(found, dict):
        raise Malformed("the body is JSON, but no object")
    return found


def _from_words(text: str) -> dict[str, object]:
    """Read ``name=value`` words; the first two without a name are instrument and side."""
    pairs: list[tuple[str, object]] = []
    bare = ["symbol", "side"]
    for word in re.split(r"[\s;]+", text):
        name, equals, value = word.partition("=")
        if equals:
            pairs.append((name.lower(), value))
        elif word and bare:
            pairs.append((bare.pop(0), word))
        elif word:
            raise Malformed(f"{_shown(word)} has no name; write name=value")
    return _once(pairs)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named: dict[str, object] = {}
    for name, value in pairs:
        field = ALIASES.get(name, name)
        if field in named:
            raise Malformed(f"{_shown(field)} stands twice")
        named[field] = value
    return named


def _number(text: str) -> Decimal:
    # Longer than any price, and a number with a long exponent takes for ever to write out.
    if len(text) > 32:
        raise Malformed("a number is too long")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Malformed("a number has too long an exponent") from error


def _refuse(text: str) -> object:
    raise Malformed(f"{text} is no number")


def _need(fields: Fields, name: str, read: Callable[[object], T]) -> T:
    if fields.get(name) is None:
        raise Malformed(f"{name} is missing")
    return _named(name, fields[name], read)


def _may(fields: Fields, name: str, read: Callable[[object], T]) -> T | None:
    value = fields.get(name)
    return None if value is None else _named(name, value, read)


def _named(name: str, value: object, read: Callable[[object], T]) -> T:
    try:
        return read(value)
    except Malformed as error:
        raise Malformed(f"{name}: {error}") from error


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) <= 32 else ""
    if not isinstance(value, str):
        raise Malformed("not a text")
    return value


def _symbol(value: object) -> str:
    text = value.strip().upper() if isinstance(value, str) and value.isascii() else ""
    if not _SYMBOL.fullmatch(text):
        raise Malformed("not an instrument such as BTCUSDT, BINANCE:BTCUSDT or BTC/USDT")
    return text


def _side(value: object) -> Side:
    side = _SIDES.get(_as_text(value).strip().lower())
    if side is None:
        raise Malformed(f"not one of {', '.join(_SIDES)}")
    return side


def _price(value: object) -> Decimal:
    text = _as_text(value).strip()
    if not _NUMBER.fullmatch(text) or not (price := Decimal(text)):
        raise Malformed("not a price above zero with at most 13 digits before and 12 behind the point")
    return price


def _percent(value: object) -> Decimal:
    percent = _price(value)
    if percent >= 100:
        raise Malformed("not a distance below 100 percent")
    return percent


def _list_of(read: Callable[[object], Decimal]) -> Callable[[object], tuple[Decimal, ...]]:
    def read_list(value: object) -> tuple[Decimal, ...]:
        each = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        if not 1 <= len(each) <= MAX_TARGETS:
            raise Malformed(f"not 1 to {MAX_TARGETS} of them")
        return tuple(read(one) for one in each)

    return read_list


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read_whole(value: object) -> int:
        text = _as_text(value).strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
            raise Malformed(f"not a whole number from {low} to {high}")
        return int(text)

    return read_whole


def _timeframe(value: object) -> str:
    text = _as_text(value).strip()
    found = _INTERVAL.fullmatch(text)
    if not text or (found is None and not _TIMEFRAME.fullmatch(text)):
        raise Malformed("not a timeframe such as 15m, 4h, 60 or 1D")
    if found is None:
        return text
    number, unit = int(found[1] or 1), found[2]
    if unit is None:
        return f"{number // 60}h" if number % 60 == 0 else f"{number}m"
    return f"{number * {'S': 1, 'D': 1, 'W': 7, 'M': 30}[unit]}{'s' if unit == 'S' else 'd'}"


def _comment(value: object) -> str:
    text = _as_text(value)
    if len(text) > LONGEST_COMMENT or not text.replace("\n", " ").isprintable():
        raise Malformed(f"not a text of at most {LONGEST_COMMENT} letters that print")
    return " ".join(text.split())


def _time(value: object) -> datetime:
    text = _as_text(value).strip()
    try:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("not a time such as 2026-11-20T12:00:00Z, or seconds since 1970") from error


def _shown(text: str) -> str:
    return repr(text[:24])
