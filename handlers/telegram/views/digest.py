"""The digest as a message, from the facts that were stored for it, with the curve of its result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from handlers.telegram.views.checks import decimal_of
from handlers.telegram.views.format import MISSING, bps, clip, fixed, listing, money, percent, r_units, seconds, span
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, hash_words, money_words, plural, win_words
from services.charts.spec import EquityPoint, EquitySpec
from services.domain.money import Money
from services.domain.trades import TerminalMode
from services.portfolio.results import win_rate

REASONS, CODES, HALTS = 3, 3, 1
FRESH = timedelta(minutes=2)


def render_digest(facts: Mapping[str, object]) -> Rendered:
    """Return a digest; raise LookupError, ValueError or TypeError for facts that are not those of one."""
    modes = [TerminalMode(str(each)) for each in _list(facts, "modes")]
    n = _count(facts, "n")
    # One that was stored by an older build names no least sample, and then no rate.
    wins = win_rate(min(_count(facts, "wins"), n), n, _count(facts, "least") if "least" in facts else n + 1)
    text = render(
        "notice_digest",
        f=facts,
        since=_time(facts["since"]),
        badge=badge(modes),
        trades=plural(n, "trade"),
        rate=win_words(wins) if n else "",
        sums=listing([money_words([_amount(each) for each in _list(facts, "money")]) if n else "", _equity(facts)])
        if "money" in facts
        else "",
        skipped=_tally(facts, "skipped", REASONS),
        refused=_tally(facts, "refused", CODES),
        best=_named(facts["best"]),
        worst=_named(facts["worst"]),
        incidents=_incidents(facts),
        slip=_slip(facts),
        ack=_ack(facts),
        chain=_chain(facts),
        halts=[str(each) for each in _list(facts, "halts")][:HALTS],
    )
    return Rendered(text=text, chart=_curve(facts, modes) if n else None)


def _list(facts: Mapping[str, object], name: str) -> list[object]:
    found = facts[name]
    if not isinstance(found, list):
        raise TypeError(f"{name} is no list")
    return found


def _count(facts: Mapping[str, object], name: str) -> int:
    return max(0, int(str(facts[name])))


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def _amount(pair: object) -> Money:
    if not isinstance(pair, list) or len(pair) != 2:
        raise TypeError("an amount is a number and a currency")
    return Money(_number(pair[0]), clip(pair[1], 10))


def _equity(facts: Mapping[str, object]) -> str:
    """Write the equity, with its age when the reading was not fresh."""
    if not facts.get("equity"):
        return ""
    said = f"equity {money(_amount(facts['equity']))}"
    age = _time(facts["at"]) - _time(facts["equity_at"])
    return f"{said} ({span(age)} old)" if age > FRESH else said


def _number(text: object) -> Decimal:
    value = decimal_of(text)
    if value is None:
        raise ValueError(f"not a number: {text!r}")
    return value


def _tally(facts: Mapping[str, object], name: str, most: int) -> str:
    """Write counted reasons, the most frequent first: ``2 news, 1 size``."""
    found = facts[name]
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is no tally")
    said = [f"{count} {clip(reason, 20)}" for reason, count in found.items()]
    return ", ".join(said[:most]) + (f", {len(said) - most} more" if len(said) > most else "")


def _named(pair: object) -> str:
    if not isinstance(pair, list) or len(pair) != 2:
        return ""
    return f"{clip(str(pair[0]).partition('/')[0], 10)} {r_units(decimal_of(pair[1]), 1)}"


def _slip(facts: Mapping[str, object]) -> str:
    """Write the median and the worst slippage and the makers' share, with the sample."""
    middle, worst, maker = (decimal_of(facts.get(name)) for name in ("slippage_bps", "worst_bps", "maker"))
    said = bps(middle) if worst is None or middle is None else f"{fixed(middle, 1, sign=True)}, worst {bps(worst)}"
    shares = percent(maker * 100, 0) if maker is not None else MISSING
    return f"{said} ({_count(facts, 'n_slippage')}) · maker {shares}"


def _ack(facts: Mapping[str, object]) -> str:
    """Write how long venues took to answer, with the sample."""
    ack = decimal_of(facts.get("ack_s"))
    return f"{seconds(float(ack))} ({_count(facts, 'n_ack')})" if ack is not None else MISSING


def _incidents(facts: Mapping[str, object]) -> str:
    """Write what went wrong, and how the desk's drills stand where there is room, or when they do not stand well."""
    found, counted, (well, drills) = _tally(facts, "incidents", 2), facts["incidents"], _drills(facts)
    if found and not well and isinstance(counted, Mapping):
        return f"{sum(int(count) for count in counted.values())} · {drills}"
    return found or listing(["none", drills])


def _drills(facts: Mapping[str, object]) -> tuple[bool, str]:
    """Return whether drills stand well, and write how; nothing for a digest of before there were drills."""
    if "drills" not in facts:
        return True, ""
    known = [(_time(each[1]), str(each[0]), bool(each[2])) for each in _list(facts, "drills") if isinstance(each, list)]
    if not known:
        return False, "no drill in 30 days"
    failed = [name for _, name, passed in sorted(known) if not passed]
    return not failed, f"drill {clip(failed[0], 8)} FAILED" if failed else f"drills ok, {max(known)[0]:%d %b}"


def _chain(facts: Mapping[str, object]) -> str:
    if facts["broken_at"] is not None:
        return f"BROKEN at {facts['broken_at']}"
    return f"{_count(facts, 'journal'):,} ✓ {hash_words(str(facts['head']))}"


def _curve(facts: Mapping[str, object], modes: list[TerminalMode]) -> EquitySpec:
    points = tuple(_point(each) for each in _list(facts, "points"))
    return EquitySpec(
        title="Result in R",
        unit="R",
        decimals=1,
        points=points,
        mode=modes[-1] if modes else TerminalMode.PAPER,
        as_of=_time(facts["at"]),
        zone=ZoneInfo(str(facts["zone"])).key,
    )


def _point(row: object) -> EquityPoint:
    if not isinstance(row, list) or len(row) != 3:
        raise TypeError("a point is a time, a value and a result")
    result = None if row[2] is None else _number(row[2])
    return EquityPoint(time=_time(row[0]), value=_number(row[1]), result=result)
