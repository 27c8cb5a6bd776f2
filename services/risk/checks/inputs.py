"""What other parts of the desk say of the entry: no data is a no where the input is required, and shown where it is not."""

from __future__ import annotations

from dataclasses import replace

from services.domain.inputs import InputName
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import missing, off, state
from services.risk.context import GateContext

NO_DATA = "no data"


def news(c: GateContext) -> Check:
    """Check that no news stands against an entry now."""
    return _said(c, CheckCode.NEWS, InputName.NEWS)


def vitality(c: GateContext) -> Check:
    """Check that enough is left of the call: its price near, the spread narrow, its time not over."""
    return _said(c, CheckCode.VITALITY, InputName.VITALITY)


def calibration(c: GateContext) -> Check:
    """Check that the score says what it did."""
    return _said(c, CheckCode.CALIBRATION, InputName.CALIBRATION)


def _said(c: GateContext, code: CheckCode, name: InputName) -> Check:
    asked = c.inputs.get(name)
    if asked is None:
        return off(code)
    answer = asked.answer
    fresh = answer is not None and c.now < answer.until
    if asked.required and not fresh:
        return missing(code, "required", Unit.STATE)
    if answer is None:
        return off(code)
    if not fresh:
        return state(code, True, NO_DATA, "optional")
    frees_at = None if answer.passed else answer.frees_at
    return replace(state(code, answer.passed, answer.said, "passes"), frees_at=frees_at)
