"""What a call would have come to: the stop first where both are reached, and nothing where candles are missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from services.domain.courses import course_of
from services.domain.market import Candle
from services.domain.money import Price
from services.domain.signals import Side
from tests.views.samples import NOW, signal

BAR = timedelta(minutes=1)
# A call to enter up to 64,250 with the stop at 63,420: one R is 830; targets at 1.5 R and 3 R, half each.
CALL = replace(signal(), created_at=NOW, expires_at=NOW + 3 * BAR)
SHORT = replace(
    CALL,
    side=Side.SHORT,
    stop=Price(Decimal(65010)),
    targets=tuple(replace(each, price=Price(64180 - (each.price - 64250))) for each in CALL.targets),
)


def candles(*spans: tuple[float, float], late: int = 0) -> list[Candle]:
    """Return a candle for each low and high, one after the other from the call on."""
    return [Candle(NOW + BAR * (n + late), low, high, low, high, 1) for n, (low, high) in enumerate(spans)]


ENTRY, QUIET = (64200.0, 64300.0), (64000.0, 64500.0)
TABLE = {
    "stopped": (CALL, [ENTRY, QUIET, (63400.0, 64000.0)], "-1"),
    "stopped where it was entered": (CALL, [(63000.0, 64300.0)], "-1"),
    "half at the first target and the stop": (CALL, [ENTRY, (64200.0, 65500.0), (63400.0, 64000.0)], "0.25"),
    "both targets": (CALL, [ENTRY, (64200.0, 65500.0), (65400.0, 66800.0)], "2.25"),
    "both targets in one candle": (CALL, [ENTRY, (64200.0, 66800.0)], "2.25"),
    "stop and target in one candle": (CALL, [ENTRY, (63400.0, 66800.0)], "-1"),
    "no target by the candle of the entry": (CALL, [(64200.0, 66800.0), (63400.0, 64000.0)], "-1"),
    "never touched": (CALL, [(65000.0, 65100.0)] * 3, "0"),
    "touched too late": (CALL, [*[(65000.0, 65100.0)] * 3, ENTRY, (63400.0, 64000.0)], "0"),
    "short, both targets": (SHORT, [ENTRY, (61600.0, 64200.0)], "2.25"),
    "short, stopped": (SHORT, [ENTRY, (64200.0, 65100.0)], "-1"),
    "still open": (CALL, [ENTRY, QUIET], None),
    "not touched yet": (CALL, [(65000.0, 65100.0)], None),
    "no candles": (CALL, [], None),
}


@pytest.mark.parametrize("name", TABLE, ids=lambda name: name.replace(" ", "-").replace(",", ""))
def test_a_call_comes_to_what_its_candles_say(name: str) -> None:
    call, spans, r = TABLE[name]
    found = course_of(call, candles(*spans), BAR)

    assert (found if r is None else round(found or Decimal(0), 6)) == (None if r is None else Decimal(r))
    assert r is None or found is not None


def test_candles_that_begin_late_or_have_a_hole_say_nothing() -> None:
    told = candles(ENTRY, QUIET, (63400.0, 64000.0))

    assert course_of(CALL, told, BAR) == -1
    assert course_of(CALL, candles(ENTRY, (63400.0, 64000.0), late=1), BAR) is None
    assert course_of(CALL, [told[0], told[2]], BAR) is None


def test_history_from_before_the_call_is_not_read() -> None:
    later = replace(CALL, created_at=NOW + BAR)

    assert course_of(later, candles((63000.0, 70000.0), ENTRY, (64200.0, 66800.0)), BAR) == Decimal("2.25")
