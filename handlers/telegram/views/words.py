"""Words and signs that several messages share; the same thing has the same word everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from markupsafe import Markup

from handlers.telegram.views.format import clip, day_clock, money
from services.domain.keeping import Trail, load_keep
from services.domain.money import Money, canonical
from services.domain.people import Role
from services.domain.signals import Side
from services.domain.standing import Standing
from services.domain.trades import TerminalMode
from services.portfolio.results import WinRate

SIDE_MARK = {Side.LONG: "🟢", Side.SHORT: "🔴"}
HALF, ONE = Decimal("0.5"), Decimal(1)


def badge(modes: Sequence[TerminalMode]) -> str:
    """Say whether it is real money: the mode, several joined, or that no terminal could take it."""
    return "/".join(mode.value.upper() for mode in modes) or "NO TERMINAL"


def share_words(shares: Sequence[Decimal]) -> list[str]:
    """Name the shares of a position: all, half, a percentage, and the last one the rest."""
    if len(shares) == 1:
        return ["all"]
    words = ["half" if share == HALF else f"{share * 100:.0f} %" for share in shares]
    return [*words[:-1], "rest"] if words else []


def standing_words(standing: Standing) -> Markup:
    """Say how somebody stands: ``trader · cadet till 28 Nov 09:00``."""
    if standing.role is Role.STRANGER:
        return Markup("without a role")
    end = Markup(" till {}").format(day_clock(standing.until)) if standing.until is not None else ""
    return Markup("{} · {}{}").format(standing.role.value, standing.grade, end)


def plural(count: int, noun: str, several: str = "") -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


_CLOSED = {
    "STOP": "by its stop",
    "TARGET": "by its target",
    "CLOSE": "at market",
    "ELSEWHERE": "outside of the desk",
    "DUST": "too little to sell",
}


def close_words(code: str | None) -> str:
    """Say what closed a trade."""
    return _CLOSED.get(code, f"by {clip(code.lower(), 24)}") if code else ""


def trail_words(values: Mapping[str, str] | None) -> str:
    """Say what a stop follows: ``trails 1 %``; nothing for one that stays where it is."""
    if values is None:
        return ""
    keep = load_keep(values)
    distance = canonical(keep.distance)
    return {
        Trail.R: f"trails {distance} R",
        Trail.ATR: f"trails {distance} ATR",
        Trail.PERCENT: f"trails {distance} %",
        Trail.STRUCTURE: f"follows the last {distance} candles",
    }.get(keep.trail, "")


def hash_words(digest: str) -> str:
    """Write a hash by its first and last digits."""
    return f"{digest[:4]}…{digest[-2:]}"


def win_words(rate: WinRate) -> str:
    """Write a win rate with its sample and interval, or that the sample is too small to say: ``too few (7)``."""
    if rate.rate is None or rate.low is None or rate.high is None or not rate.enough:
        return f"too few ({rate.n})"
    low, share, high = (f"{each * 100:.0f}" for each in (rate.low, rate.rate, rate.high))
    return f"{share} % of {rate.n:,} ({low}–{high})"


def money_words(amounts: Sequence[Money], *, sign: bool = True) -> str:
    """Write amounts by currency, results with their sign."""
    return " ".join(money(each, sign=sign) for each in amounts) or "nothing"
