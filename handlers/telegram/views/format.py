"""How numbers, times and foreign words are written: exact decimals, a real minus sign, a unit, and one line each."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from services.domain.money import Money, canonical

COLUMNS = 34
MINUS = "−"
MISSING = "no data"
SIGNIFICANT = 7
# Currencies whose cents are enough; anything else is written as finely as a coin needs.
_CENTS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "DAI", "USD", "EUR", "GBP", "CHF"})
# Whatever a library has made of the thread's own context; wide enough for any amount.
_WRITING = Context(prec=80, rounding=ROUND_HALF_EVEN)
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def fixed(value: Decimal, decimals: int, *, sign: bool = False) -> str:
    """Write a number with so many decimals, thousands separated; ``sign`` puts a plus before what is above zero."""
    text = f"{value.copy_abs().quantize(Decimal(1).scaleb(-decimals), context=_WRITING):,.{decimals}f}"
    if not text.strip("0.,"):
        return text
    if value < 0:
        return MINUS + text
    return f"+{text}" if sign else text


def price(value: Decimal | None, decimals: int | None = None) -> str:
    """Write a price with its instrument's decimals; without them, to seven significant digits."""
    if value is None:
        return MISSING
    if decimals is not None:
        return fixed(value, decimals)
    places = max(0, SIGNIFICANT - 1 - value.adjusted()) if value else 0
    whole, _, fraction = fixed(value, min(places, 18)).partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def quantity(value: Decimal | None) -> str:
    """Write a size exactly as it is."""
    if value is None:
        return MISSING
    whole, _, fraction = canonical(abs(value)).partition(".")
    text = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    return MINUS + text if value < 0 else text


def money(value: Money | None, *, sign: bool = False) -> str:
    """Write an amount with its currency."""
    return MISSING if value is None else f"{amount(value.amount, value.currency, sign=sign)} {value.currency}"


def amount(value: Decimal, currency: str, *, sign: bool = False) -> str:
    """Write an amount as finely as its currency needs; a small one keeps two digits that say something."""
    decimals = 2 if currency in _CENTS else 6
    if value and abs(value) < Decimal("0.01"):
        decimals = min(8, max(decimals, 1 - value.adjusted()))
    return fixed(value, decimals, sign=sign)


def round_money(value: Money | None) -> str:
    """Write an amount without cents from a hundred up, where a size is meant and not a result."""
    if value is None or abs(value.amount) < 100:
        return money(value)
    return f"{fixed(value.amount, 0)} {value.currency}"


def percent(value: Decimal | None, decimals: int = 1, *, sign: bool = False) -> str:
    """Write a percentage; below one percent it gets a second decimal."""
    if value is None:
        return MISSING
    places = max(decimals, 2) if Decimal(0) < abs(value) < 1 else decimals
    return f"{fixed(value, places, sign=sign)} %"


def r_units(value: Decimal | None, decimals: int = 2, *, sign: bool = True) -> str:
    """Write a result in R with its sign, or a risk without."""
    return MISSING if value is None else f"{fixed(value, decimals, sign=sign)} R"


def bps(value: Decimal | None, *, sign: bool = True) -> str:
    """Write hundredths of a percent."""
    return MISSING if value is None else f"{fixed(value, 1, sign=sign)} bps"


def seconds(value: float | None) -> str:
    """Write a latency: two decimals below ten seconds, a span above."""
    if value is None:
        return MISSING
    return f"{value:.2f} s" if value < 10 else span(timedelta(seconds=value))


def short_number(value: Decimal) -> str:
    """Write a large amount with three digits and a letter: ``1.24B``, ``31.0M``, ``950K``, ``87.5``."""
    size = next(((power, letter) for power, letter in ((9, "B"), (6, "M"), (3, "K")) if abs(value) >= 10**power), (0, ""))
    scaled = value.scaleb(-size[0])
    return fixed(scaled, max(0, 2 - scaled.adjusted())) + size[1] if scaled else "0"


def span(value: timedelta) -> str:
    """Write a time span by its largest unit, hours with their minutes: ``41 s``, ``3 min``, ``3 h 12``, ``2 d 4 h``."""
    total = max(0, int(value.total_seconds()))
    if total < 120:
        return f"{total} s"
    if total < 3_600:
        return f"{total // 60} min"
    if total < 86_400:
        return f"{total // 3_600} h {total % 3_600 // 60:02d}"
    return f"{total // 86_400} d {total % 86_400 // 3_600} h"


def ago(at: datetime | None, now: datetime) -> str:
    """Write how long ago something was."""
    return "never" if at is None else f"{span(now - at)} ago"


def clock(at: datetime, *, exact: bool = False) -> Markup:
    """Write a time of day as Telegram's own entity, which each reader sees in their zone; elsewhere it reads as UTC."""
    moment = at.astimezone(UTC)
    text = moment.strftime("%H:%M:%S" if exact else "%H:%M")
    return _entity(moment, "T" if exact else "t", f"{text} UTC")


def day_clock(at: datetime) -> Markup:
    """Write date and time of day as Telegram's own entity, with UTC as the fallback."""
    moment = at.astimezone(UTC)
    return _entity(moment, "dt", f"{moment.day} {moment:%b %H:%M} UTC")


def _entity(moment: datetime, shape: str, text: str) -> Markup:
    return Markup('<tg-time unix="{}" format="{}">{}</tg-time>').format(int(moment.timestamp()), shape, text)


def local(at: datetime, zone: str, shape: str = "%H:%M") -> str:
    """Write a time in a zone as plain text, for columns and toasts, where no entity can stand."""
    return at.astimezone(ZoneInfo(zone)).strftime(shape)


def city(zone: str) -> str:
    """Name a zone shortly: ``Europe/Berlin`` is Berlin."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def tame(text: str) -> str:
    """Keep foreign words on one line and in reading order: what is not visible becomes a space or goes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        (" " if each in "\n\r\t\u2028\u2029" else "") if unicodedata.category(each) in _INVISIBLE else each for each in text
    )


def clip(text: object, length: int) -> str:
    """Shorten a text to so many characters, ending with an ellipsis when something is missing."""
    plain = tame(str(text)).strip()
    return plain if len(plain) <= length else plain[: length - 1].rstrip() + "…"


def row(left: str, right: str = "", width: int = COLUMNS) -> str:
    """Set a text left and a number right in so many columns; the left one gives way."""
    right = clip(right, width)
    room = width - len(right) - (1 if right else 0)
    return f"{clip_keeping(left, room):<{width - len(right)}}{right}".rstrip()


def clip_keeping(text: str, length: int) -> str:
    """Shorten like ``clip`` and keep leading spaces."""
    plain = tame(text)
    if len(plain) <= length:
        return plain
    return plain[: length - 1].rstrip() + "…" if length > 0 else ""


def listing(parts: list[str]) -> str:
    """Join the parts that say something."""
    return " · ".join(part for part in parts if part)
