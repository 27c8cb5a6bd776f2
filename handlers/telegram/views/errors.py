"""Refusals in words: a short message, and a toast that fits into a callback's answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers.telegram.views.checks import MEANINGS, decimal_of, explain, written
from handlers.telegram.views.format import city, clip, local, price
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.refusals import REFUSALS
from handlers.telegram.views.templating import render
from services.domain.verdicts import Check, CheckCode, Unit

TOAST = 200
VALUE = 48
UNKNOWN = ("this cannot be done now", "try again, or ask a commander")


def render_error(code: str, values: Mapping[str, object]) -> Rendered:
    """Return a refusal as a message: code, what happened, and what to do next."""
    check = _check(code, values)
    said, hint = _explained(check, values) if check else _worded(code, values)
    frees_at = check.frees_at if check else None
    return Rendered(text=render("error", code=code, said=said, hint=hint, frees_at=frees_at))


def toast(code: str, values: Mapping[str, object]) -> str:
    """Return a refusal in at most 200 characters: ``DAILY_LOSS 5.3 of 5.0 %. Frees 00:00 Berlin.``"""
    check = _check(code, values)
    if check is None:
        said, hint = _worded(code, values)
        return clip(f"{code}: {said}. {hint[:1].upper()}{hint[1:]}.", TOAST)
    note = f": {check.note}" if check.note and check.unit is Unit.STATE else ""
    compared = written(check.value, check.limit, check.unit, currency=str(values.get("currency", "")))
    said = f"{code} {compared}{note}."
    zone = str(values.get("zone", "UTC"))
    frees = f" Frees {local(check.frees_at, zone)} {city(zone)}." if check.frees_at else ""
    return clip(said, TOAST - len(frees)) + frees


def _check(code: str, values: Mapping[str, object]) -> Check | None:
    """Return the gate's check that the values describe, or None when the refusal is another one of the same name."""
    if code not in set(CheckCode) or values.get("unit") not in set(Unit):
        return None
    value, frees_at = values.get("value"), values.get("frees_at")
    return Check(
        code=CheckCode(code),
        passed=False,
        value=None if value is None else clip(value, VALUE),
        limit=clip(values.get("limit", ""), VALUE),
        unit=Unit(str(values["unit"])),
        frees_at=frees_at if isinstance(frees_at, datetime) else None,
        note=clip(values.get("note", ""), 2 * VALUE),
    )


def _explained(check: Check, values: Mapping[str, object]) -> tuple[str, str]:
    symbol, currency = str(values.get("symbol", "this instrument")), str(values.get("currency", ""))
    return explain(check, symbol=symbol, decimals=None, currency=currency), MEANINGS[check.code][1]


def _worded(code: str, values: Mapping[str, object]) -> tuple[str, str]:
    if code in set(CheckCode) and code not in REFUSALS:
        meaning, hint = MEANINGS[CheckCode(code)]
        return f"not so: {meaning}", hint
    said, hint = REFUSALS.get(code, UNKNOWN)
    words = _Words(values)
    return said.format_map(words), hint.format_map(words)


class _Words(dict[str, Any]):
    """The values of a refusal as short words on one line; one that is missing is said to be."""

    def __init__(self, values: Mapping[str, object]) -> None:
        known = {name: self._word(name, value) for name, value in values.items()}
        missing, wrong = values.get("missing"), values.get("wrong")
        detail = f"it needs {missing}" if missing else f"{wrong} where {values.get('expected', 'something else')} is meant"
        super().__init__(known | {"detail": clip(detail, 2 * VALUE)})

    def __missing__(self, name: str) -> str:
        return "?"

    @staticmethod
    def _word(name: str, value: object) -> str:
        number = decimal_of(value) if name in ("value", "limit") else None
        return clip(price(number) if number is not None else value, VALUE)
