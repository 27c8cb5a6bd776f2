"""Market hours: holidays, early closes, weeks that cross midnight, and clock changes, in virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.session import SessionSettings
from services.domain.buttons import Act
from services.domain.sessions import ALL_HOURS
from services.domain.verdicts import CheckCode
from services.missions.fire import Fired
from services.risk.sessions import Sessions, session_at
from services.storage import trades
from services.storage.previews import PreviewState
from tests.trading.rig import ANN, desk_at
from tests.trading.taps import fire, preview_of

NEW_YORK = SessionSettings.model_validate(
    {
        "zone": "America/New_York",
        "weekly": ["mon-fri 09:30-16:00"],
        "holidays": ["2026-11-26"],
        "early": {"2026-11-27": "13:00"},
        "terminals": ["shares"],
    }
)
CURRENCIES = SessionSettings(zone="America/New_York", weekly=("sun 17:00-fri 17:00",), instruments=("EUR/USD",))
NIGHT = SessionSettings(zone="Europe/Berlin", weekly=("sat 22:00-04:00",), terminals=("night",))
ALWAYS = SessionSettings(zone="UTC", weekly=("mon-sun 00:00-24:00",), terminals=("always",))


def at(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "now", "is_open", "changes_at"),
    [
        (NEW_YORK, at("2026-11-20T09:30"), True, at("2026-11-20T16:00")),
        (NEW_YORK, at("2026-11-20T09:29:59.999999"), False, at("2026-11-20T09:30")),
        (NEW_YORK, at("2026-11-20T16:00"), False, at("2026-11-23T09:30")),
        (NEW_YORK, at("2026-11-26T12:00"), False, at("2026-11-27T09:30")),
        (NEW_YORK, at("2026-11-27T12:59"), True, at("2026-11-27T13:00")),
        (NEW_YORK, at("2026-11-27T13:00"), False, at("2026-11-30T09:30")),
        # Half past nine in New York is an hour earlier in UTC after the clocks went forward on the 8th of March.
        (NEW_YORK, datetime(2026, 3, 6, 14, 29, tzinfo=UTC), False, datetime(2026, 3, 6, 14, 30, tzinfo=UTC)),
        (NEW_YORK, datetime(2026, 3, 9, 13, 30, tzinfo=UTC), True, datetime(2026, 3, 9, 20, 0, tzinfo=UTC)),
        (CURRENCIES, at("2026-11-18T03:00"), True, at("2026-11-20T17:00")),
        (CURRENCIES, at("2026-11-21T12:00"), False, at("2026-11-22T17:00")),
        (NIGHT, at("2026-03-29T01:59", "Europe/Berlin"), True, at("2026-03-29T04:00", "Europe/Berlin")),
        (NIGHT, at("2026-10-25T03:59", "Europe/Berlin"), True, at("2026-10-25T04:00", "Europe/Berlin")),
        (ALWAYS, at("2026-11-21T12:00"), True, None),
    ],
    ids=[str(number) for number in range(13)],
)
def test_hours_open_and_close_where_their_zone_says(
    hours: SessionSettings, now: datetime, is_open: bool, changes_at: datetime | None
) -> None:
    found = session_at("x", hours, now)

    assert (found.is_open, found.changes_at) == (is_open, changes_at)


@given(
    seconds=st.integers(0, 2 * 366 * 86_400),
    hours=st.sampled_from((NEW_YORK, CURRENCIES, NIGHT)),
)
@settings(max_examples=150, deadline=None)
def test_nothing_changes_before_the_next_change_and_then_it_has(seconds: int, hours: SessionSettings) -> None:
    """Through two years with their clock changes, however the clock jumps."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    found = session_at("x", hours, now)
    assert found.changes_at is not None
    just_before = session_at("x", hours, found.changes_at - timedelta(microseconds=1))

    assert found.changes_at > now
    assert just_before == found
    assert session_at("x", hours, found.changes_at).is_open is not found.is_open


def test_of_several_hours_all_must_be_open_and_what_none_names_never_closes() -> None:
    sessions = Sessions({"shares": NEW_YORK, "fx": CURRENCIES})
    evening = at("2026-11-18T20:00")

    assert sessions.at("shares", "EUR/USD", evening).name == "shares"
    assert not sessions.at("shares", "EUR/USD", evening).is_open
    assert sessions.at("other", "EUR/USD", evening).is_open
    assert sessions.at("other", "BTC/USDT", evening) is ALL_HOURS


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekly": ["mon-fri 9:30-16:00"]},
        {"weekly": ["mon-fri 09:30-24:30"]},
        {"weekly": ["mon-fri 09:30-fri 16:00"]},
        {"weekly": ["noday 09:30-16:00"]},
        {"weekly": []},
        {"terminals": []},
        {"zone": "Mars/Base"},
        {"early": {"2026-11-27": "25:00"}},
        {"holidays": ["tomorrow"]},
    ],
    ids=["hour", "midnight", "twice", "day", "none", "nobody", "zone", "early", "holiday"],
)
def test_hours_that_cannot_be_stop_the_start(wrong: dict[str, object]) -> None:
    values = {"zone": "UTC", "weekly": ["mon 09:00-10:00"], "terminals": ["a"]} | wrong

    with pytest.raises(ValidationError):
        SessionSettings.model_validate(values)


async def test_a_closed_market_takes_no_entry_says_when_it_opens_and_lets_every_exit_pass(tmp_path: Path) -> None:
    hours = {"desk": {"zone": "UTC", "weekly": ["fri 11:00-12:01"], "terminals": ["ann-paper"]}}
    async with desk_at(tmp_path, sessions=hours) as rig:
        assert isinstance(await fire(rig), Fired)
        await rig.settle()
        rig.clock.advance(60)
        await rig.price("63999.99", "64000.01")
        shown = await preview_of(rig, await rig.mission(symbol="BTC/USDT"))
        closed = next(check for check in shown.checks if check.code is CheckCode.SESSION)

        assert shown.state is PreviewState.REFUSED
        assert (closed.passed, closed.value) == (False, "desk: closed")
        assert closed.frees_at == datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
        (trade,) = await rig.read(trades.live)
        asked = await rig.trading.ask_close(rig.actor(ANN), trade.id, Decimal(1))
        await rig.trading.close(rig.actor(ANN), asked.token.id, Act.CLOSE)
        await rig.settle()
        assert await rig.read(trades.live) == []
