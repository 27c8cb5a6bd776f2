"""The gate's checks in words: a short label with value and limit, and a sentence for the one that refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from handlers.telegram.views.format import MISSING, bps, clip, fixed, percent, price, quantity
from services.domain.limits import RULES
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit

LARGEST_EXPONENT = 30

LABELS: Mapping[CheckCode, str] = {
    CheckCode.HALT: "halt",
    CheckCode.RECONCILED: "reconciled",
    CheckCode.LIVE_DECISION: "go-live",
    CheckCode.IN_DOUBT: "in doubt",
    CheckCode.DEADLINE: "time left",
    CheckCode.SESSION: "market hours",
    CheckCode.DATA_AGE: "quote age",
    CheckCode.EQUITY_AGE: "account age",
    CheckCode.UNIVERSE: "universe",
    CheckCode.TERMINAL_SIDE: "side",
    CheckCode.GRADE: "grade",
    CheckCode.MODE: "mode",
    CheckCode.STOP_SIDE: "stop",
    CheckCode.SPREAD: "spread",
    CheckCode.PRICE_COLLAR: "price",
    CheckCode.GRID: "grid",
    CheckCode.MIN_SIZE: "size",
    CheckCode.MAX_SIZE: "largest size",
    CheckCode.RISK_PER_TRADE: "risk",
    CheckCode.NOTIONAL: "value",
    CheckCode.FREE_FUNDS: "funds",
    CheckCode.CASH_RESERVE: "reserve",
    CheckCode.MARGIN: "margin left",
    CheckCode.LEVERAGE: "leverage",
    CheckCode.INSTRUMENT_SHARE: "instrument",
    CheckCode.TIER_SHARE: "tier",
    CheckCode.GROUP_SHARE: "moves alike",
    CheckCode.GROSS_EXPOSURE: "desk gross",
    CheckCode.NET_EXPOSURE: "desk net",
    CheckCode.UNUSUAL_SIZE: "usual size",
    CheckCode.OPEN_POSITIONS: "positions",
    CheckCode.WEEKEND: "weekend",
    CheckCode.DESK_POSITIONS: "desk trades",
    CheckCode.PERSON_POSITIONS: "own trades",
    CheckCode.STRATEGY_POSITIONS: "strategy",
    CheckCode.INSTRUMENT_POSITIONS: "same symbol",
    CheckCode.MESSAGE_RATE: "messages",
    CheckCode.TRADES_PER_HOUR: "this hour",
    CheckCode.INSTRUMENT_COOLDOWN: "symbol rests",
    CheckCode.MIN_SCORE: "score",
    CheckCode.NEWS: "news",
    CheckCode.VITALITY: "vitality",
    CheckCode.CALIBRATION: "calibration",
    CheckCode.OPPOSITE: "other side",
    CheckCode.DUPLICATE: "duplicate",
    CheckCode.WEEKLY_LOSS: "weekly loss",
    CheckCode.DAILY_LOSS: "daily loss",
    CheckCode.BREAKER_PERSON: "person lock",
    CheckCode.BREAKER_TERMINAL: "terminal lock",
    CheckCode.BREAKER_INSTRUMENT: "market lock",
    CheckCode.COOLDOWN: "cooldown",
    CheckCode.TILT: "tilt",
    CheckCode.SHOTS: "shots",
    CheckCode.MEDIC_POSITIONS: "medic trades",
    CheckCode.MEDIC_RISK: "medic risk",
}

# What each rule means, for the reference page and for whoever asks why.
MEANINGS: Mapping[CheckCode, tuple[str, str]] = {
    CheckCode.HALT: ("no kill switch covers this entry", "wait until it is lifted, or ask a commander"),
    CheckCode.RECONCILED: ("the terminal agrees with its venue", "wait for the next comparison, at most half a minute"),
    CheckCode.LIVE_DECISION: ("commanders decided that its real money is traded", "exits go on; a commander asks: /golive"),
    CheckCode.IN_DOUBT: ("nothing of unknown outcome on this instrument", "wait until the venue has answered"),
    CheckCode.DEADLINE: ("the mission is open and its time is not over", "take the next mission, or call one"),
    CheckCode.SESSION: ("the market is open", "wait until it opens"),
    CheckCode.DATA_AGE: ("the quote is fresh", "wait for the feed; /status shows it"),
    CheckCode.EQUITY_AGE: ("the account was read recently and holds money", "wait for the next reading; /status shows it"),
    CheckCode.UNIVERSE: ("the instrument is listed", "choose one from /universe"),
    CheckCode.TERMINAL_SIDE: ("the terminal takes this side", "take the other side elsewhere, or another terminal"),
    CheckCode.STOP_SIDE: ("the stop lies beyond the market", "the call is over; take the next one"),
    CheckCode.SPREAD: ("the spread is narrow enough", "wait until it narrows"),
    CheckCode.PRICE_COLLAR: ("the price is within the bound that was shown", "look at the fresh preview and confirm again"),
    CheckCode.MODE: ("the person takes entries of this call; auto where no money is real", "/mode shows yours"),
    CheckCode.GRADE: ("the person's grade takes this terminal", "take another terminal, or ask a commander"),
    CheckCode.GRID: ("size and prices are on the venue's grid", "report it: the desk rounds to the grid itself"),
    CheckCode.MAX_SIZE: ("the size is within the venue's largest order", "take a smaller size"),
    CheckCode.MIN_SIZE: ("the size is above the venue's minimum", "take a larger size, or a call with a closer stop"),
    CheckCode.RISK_PER_TRADE: ("loss at the stop within its limit", "take a smaller size"),
    CheckCode.NOTIONAL: ("the value keeps to its share of equity", "take a smaller size"),
    CheckCode.FREE_FUNDS: ("the account can pay for it", "take a smaller size, or close something"),
    CheckCode.CASH_RESERVE: ("enough free funds stay behind", "take a smaller size, or close something"),
    CheckCode.MARGIN: ("enough stays free if every stop were hit", "take a smaller size, or close something"),
    CheckCode.LEVERAGE: ("the account's trades keep to a multiple of equity", "take a smaller size, or close something"),
    CheckCode.INSTRUMENT_SHARE: ("the account is not too much in one instrument", "take a smaller size"),
    CheckCode.TIER_SHARE: ("the account is not too much in one tier", "take a smaller size, or an instrument of another tier"),
    CheckCode.GROUP_SHARE: ("not too much moves with this instrument", "take a smaller size, or close what moves alike"),
    CheckCode.GROSS_EXPOSURE: ("the desk's trades keep to their share of equity", "take a smaller size, or wait"),
    CheckCode.NET_EXPOSURE: ("the desk does not lean too far to one side", "take a smaller size, or wait"),
    CheckCode.UNUSUAL_SIZE: ("the value is not far above the person's usual one", "take a smaller size"),
    CheckCode.OPEN_POSITIONS: ("few enough trades are open", "close one first"),
    CheckCode.WEEKEND: ("on a weekend few enough trades are open", "wait for Monday, or close one first"),
    CheckCode.DESK_POSITIONS: ("few enough trades of the desk are live", "wait until one is closed"),
    CheckCode.PERSON_POSITIONS: ("few enough trades of the person are live", "close one first"),
    CheckCode.STRATEGY_POSITIONS: ("few enough trades of the strategy are live", "wait until one is closed"),
    CheckCode.INSTRUMENT_POSITIONS: ("few enough trades of the desk have this instrument", "wait until one is closed"),
    CheckCode.MESSAGE_RATE: ("the venue gets few enough writes", "wait a minute; /breakers shows a storm"),
    CheckCode.TRADES_PER_HOUR: ("the person confirmed few enough entries this hour", "wait until one is an hour old"),
    CheckCode.INSTRUMENT_COOLDOWN: ("the instrument's last trade was closed long enough ago", "wait for the rest of the pause"),
    CheckCode.MIN_SCORE: ("the call's score is high enough", "take a call with a better score"),
    CheckCode.NEWS: ("no news stands against it", "wait until it is over"),
    CheckCode.VITALITY: ("enough is left of the call", "take a fresher call"),
    CheckCode.CALIBRATION: ("the score says what it did", "take a call of another strategy"),
    CheckCode.OPPOSITE: ("no trade of the other side shares the position", "close that one first"),
    CheckCode.DUPLICATE: ("no trade on this instrument is live", "close that one first"),
    CheckCode.WEEKLY_LOSS: ("the week's loss keeps to its limit", "wait for Monday"),
    CheckCode.DAILY_LOSS: ("the day's loss keeps to its limit", "wait for the next trading day"),
    CheckCode.BREAKER_PERSON: ("no breaker or bench holds this person", "/cooldown says why and until when"),
    CheckCode.BREAKER_TERMINAL: ("no breaker holds this terminal", "/breakers says why; exits pass"),
    CheckCode.BREAKER_INSTRUMENT: ("no breaker holds this instrument", "wait until its quotes are fresh; /breakers"),
    CheckCode.COOLDOWN: ("the pause after a loss is over", "/cooldown says until when"),
    CheckCode.TILT: ("few enough losses came close together", "/cooldown says until when"),
    CheckCode.SHOTS: ("today's entries are not used up", "wait for the next trading day"),
    CheckCode.MEDIC_POSITIONS: ("on a bad day few trades are live", "close one first"),
    CheckCode.MEDIC_RISK: ("on a bad day a trade risks less", "take a smaller size"),
}

# Why each rule refused; {value} and {limit} have their units, {found}, {bound} and {note} stand as the check kept them.
REASONS: Mapping[CheckCode, str] = {
    CheckCode.HALT: "{value}: {note}",
    CheckCode.RECONCILED: "not compared with its venue yet",
    CheckCode.LIVE_DECISION: "real money, {found}",
    CheckCode.IN_DOUBT: "{value} of unknown outcome on {symbol}",
    CheckCode.SESSION: "{found}",
    CheckCode.DATA_AGE: "the quote is {value} s old, limit {limit}",
    CheckCode.EQUITY_AGE: "the account was read {value} s ago, limit {limit}",
    CheckCode.UNIVERSE: "{symbol} is {value}",
    CheckCode.TERMINAL_SIDE: "this terminal takes no {bound}",
    CheckCode.STOP_SIDE: "stop {value} is not beyond the price {limit}",
    CheckCode.SPREAD: "spread {value}, limit {limit}",
    CheckCode.PRICE_COLLAR: "price {value} is beyond the bound {limit}",
    CheckCode.GRID: "size or price is off the venue's grid",
    CheckCode.MAX_SIZE: "size {value} is above the venue's {bound}",
    CheckCode.MIN_SIZE: "size {value} is below the venue's {bound}",
    CheckCode.RISK_PER_TRADE: "{value} % of equity at the stop, limit {limit}",
    CheckCode.MODE: "mode {found}: takes {bound}",
    CheckCode.GRADE: "{found}: takes {bound}",
    CheckCode.NOTIONAL: "value {value} % of equity, limit {limit}",
    CheckCode.FREE_FUNDS: "needs {value}, free {limit}",
    CheckCode.OPEN_POSITIONS: "this would be trade {value}, limit {limit}",
    CheckCode.CASH_RESERVE: "leaves {value} % free, at least {limit}",
    CheckCode.MARGIN: "at all stops {value} % free, at least {limit}",
    CheckCode.LEVERAGE: "all trades {value} % of equity, limit {limit}",
    CheckCode.INSTRUMENT_SHARE: "in it {value} % of equity, limit {limit}",
    CheckCode.TIER_SHARE: "its tier {value} % of equity, limit {limit}",
    CheckCode.GROUP_SHARE: "alike {value} % of equity, limit {limit}",
    CheckCode.GROSS_EXPOSURE: "desk gross {value} % of equity, limit {limit}",
    CheckCode.NET_EXPOSURE: "desk net {value} % of equity, limit {limit}",
    CheckCode.UNUSUAL_SIZE: "{value} times the usual, limit {limit}",
    CheckCode.WEEKEND: "weekend: trade {value}, limit {limit}",
    CheckCode.DESK_POSITIONS: "trade {value} of the desk, limit {limit}",
    CheckCode.PERSON_POSITIONS: "your live trade {value}, limit {limit}",
    CheckCode.STRATEGY_POSITIONS: "trade {value} of the strategy, limit {limit}",
    CheckCode.INSTRUMENT_POSITIONS: "trade {value} on {symbol}, limit {limit}",
    CheckCode.MESSAGE_RATE: "write {value} of this minute, limit {limit}",
    CheckCode.TRADES_PER_HOUR: "entry {value} of this hour, limit {limit}",
    CheckCode.INSTRUMENT_COOLDOWN: "closed {value} s ago, rests {limit}",
    CheckCode.MIN_SCORE: "score {value}, at least {limit}",
    CheckCode.NEWS: "{found}",
    CheckCode.VITALITY: "call: {found}",
    CheckCode.CALIBRATION: "score: {found}",
    CheckCode.OPPOSITE: "{symbol} is held on the other side",
    CheckCode.DUPLICATE: "a trade on {symbol} is live",
    CheckCode.WEEKLY_LOSS: "lost this week {value} %, limit {limit}",
    CheckCode.DAILY_LOSS: "lost today {value} % of equity, limit {limit}",
    CheckCode.BREAKER_PERSON: "{found}: {note}",
    CheckCode.BREAKER_TERMINAL: "{found}: {note}",
    CheckCode.BREAKER_INSTRUMENT: "{found}: {note}",
    CheckCode.COOLDOWN: "a pause after a loss, {value} left",
    CheckCode.TILT: "losses close together, {value} left",
    CheckCode.SHOTS: "this would be entry {value} of today, limit {limit}",
    CheckCode.MEDIC_POSITIONS: "medic mode: trade {value}, limit {limit}",
    CheckCode.MEDIC_RISK: "medic mode: risk {value} %, limit {limit}",
}
# The words that a check keeps can be long; a sentence made of them ends here.
LONGEST_REASON = 44

# How each rule measures, where only value and limit were kept.
UNITS: Mapping[CheckCode, Unit] = {
    CheckCode.HALT: Unit.STATE,
    CheckCode.RECONCILED: Unit.STATE,
    CheckCode.LIVE_DECISION: Unit.STATE,
    CheckCode.IN_DOUBT: Unit.COUNT,
    CheckCode.DEADLINE: Unit.SECONDS,
    CheckCode.SESSION: Unit.STATE,
    CheckCode.UNIVERSE: Unit.STATE,
    CheckCode.TERMINAL_SIDE: Unit.STATE,
    CheckCode.STOP_SIDE: Unit.PRICE,
    CheckCode.PRICE_COLLAR: Unit.PRICE,
    CheckCode.GRID: Unit.STATE,
    CheckCode.MIN_SIZE: Unit.QUANTITY,
    CheckCode.MAX_SIZE: Unit.QUANTITY,
    CheckCode.FREE_FUNDS: Unit.MONEY,
    CheckCode.NEWS: Unit.STATE,
    CheckCode.VITALITY: Unit.STATE,
    CheckCode.CALIBRATION: Unit.STATE,
    CheckCode.OPPOSITE: Unit.STATE,
    CheckCode.GRADE: Unit.STATE,
    CheckCode.MODE: Unit.STATE,
    CheckCode.DUPLICATE: Unit.STATE,
    CheckCode.BREAKER_PERSON: Unit.STATE,
    CheckCode.BREAKER_TERMINAL: Unit.STATE,
    CheckCode.BREAKER_INSTRUMENT: Unit.STATE,
    CheckCode.COOLDOWN: Unit.SECONDS,
    CheckCode.TILT: Unit.SECONDS,
    CheckCode.SHOTS: Unit.COUNT,
    CheckCode.MEDIC_POSITIONS: Unit.COUNT,
    CheckCode.MEDIC_RISK: Unit.FRACTION,
    **{rule.code: rule.unit for rule in RULES.values()},
}


def compared(check: Check, *, decimals: int | None = None, currency: str = "") -> str:
    """Write value and limit in a few characters, with their unit: ``1.9 of 5.0 %``."""
    return written(check.value, check.limit, check.unit, decimals=decimals, currency=currency)


def written(value: str | None, limit: str, unit: Unit, *, decimals: int | None = None, currency: str = "") -> str:
    """Write a measured value against its limit; a missing one is said to be missing."""
    if value is None:
        return MISSING
    number, bound = decimal_of(value), decimal_of(limit)
    if number is None or bound is None or unit is Unit.STATE:
        return value
    pairs: Mapping[Unit, Callable[[], str]] = {
        Unit.SECONDS: lambda: f"{fixed(number, 1)} s" if bound == 0 else f"{fixed(number, 1)} of {canonical(bound)} s",
        Unit.BPS: lambda: f"{fixed(number, 1)} of {bps(bound, sign=False)}",
        Unit.FRACTION: lambda: f"{_short_percent(number)} of {percent(bound * 100)}",
        Unit.PRICE: lambda: f"{price(number, decimals)} of {price(bound, decimals)}",
        Unit.COUNT: lambda: f"{quantity(number)} of {quantity(bound)}",
        Unit.MONEY: lambda: f"{_round(number)} of {_round(bound)} {currency}".rstrip(),
    }
    write = pairs.get(unit)
    return write() if write else quantity(number)


def _round(value: Decimal) -> str:
    return fixed(value, 0 if abs(value) >= 1000 else 2)


def _short_percent(share: Decimal) -> str:
    return percent(share * 100).removesuffix(" %")


def decimal_of(text: object) -> Decimal | None:
    """Read a number that a market can have, or None when it is none."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= LARGEST_EXPONENT else None


def explain(check: Check, *, symbol: str, decimals: int | None, currency: str) -> str:
    """Say in one sentence why a check refused, with value, limit and their unit."""
    if check.value is None:
        return f"{LABELS[check.code]}: {MISSING}, so the answer is no"
    if check.code is CheckCode.DEADLINE:
        return "the mission's time is over" if decimal_of(check.value) is not None else f"the mission is {check.value}"
    value, _, limit = compared(check, decimals=decimals, currency=currency).partition(" of ")
    kept = {"found": check.value, "bound": check.limit, "note": check.note}
    said = REASONS[check.code].format(value=value, limit=limit, symbol=symbol, **kept).rstrip(": ")
    return clip(said, LONGEST_REASON) if "{found}" in REASONS[check.code] else said
