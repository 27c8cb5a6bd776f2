"""The limits in force as pages by family, one limit with its values, and what a new value would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from handlers.telegram.callbacks import ApprovalButton, ApprovalVerb, ListButton, ListName
from handlers.telegram.views.approvals import limit_name, limit_words
from handlers.telegram.views.format import clip
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.limits import RULES, Bound, Limit, Scope, ScopedValue
from services.domain.money import canonical
from services.domain.verdicts import Unit
from services.reporting.limit_list import LimitLine, LimitsList

A_PAGE = 6
FAMILIES: Mapping[str, tuple[Limit, ...]] = {
    "one trade": (
        Limit.PER_TRADE,
        Limit.MAX_NOTIONAL,
        Limit.USUAL_MULTIPLE,
        Limit.CASH_RESERVE,
        Limit.MARGIN_LEFT,
        Limit.MIN_SCORE,
    ),
    "exposure": (
        Limit.LEVERAGE,
        Limit.INSTRUMENT_SHARE,
        Limit.TIER_SHARE,
        Limit.GROSS_EXPOSURE,
        Limit.NET_EXPOSURE,
    ),
    "losses": (Limit.DAILY_LOSS, Limit.WEEKLY_LOSS),
    "price and data": (Limit.MAX_SPREAD_BPS, Limit.QUOTE_AGE_S, Limit.EQUITY_AGE_S),
}
COUNTS = "count and pace"
STEPS = (Decimal("0.5"), Decimal("0.8"), Decimal("1.25"), Decimal("2"))


def family_of(limit: Limit) -> str:
    """Return the family a limit is listed under; what is named in none bounds how many and how often."""
    return next((name for name, limits in FAMILIES.items() if limit in limits), COUNTS)


def limits_page(data: LimitsList, page: int) -> Rendered:
    """Return a page of limits by family, each with the reader's use now; buttons open one."""
    order = (*FAMILIES, COUNTS)
    rows = sorted(data.rows, key=lambda line: order.index(family_of(line.limit)))
    part = cut(rows, page, A_PAGE)
    text = render(
        "list_limits",
        badge=badge(data.modes),
        reader=data.reader,
        families=[
            (name, [_line(data, line) for line in part.rows if family_of(line.limit) == name])
            for name in order
            if any(family_of(line.limit) == name for line in part.rows)
        ],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    buttons = [
        act(clip(limit_name(line.limit.value), 18), ListButton(name=ListName.LIMITS, arg=line.limit.value))
        for line in part.rows
    ]
    return Rendered(text=text, rows=in_rows(buttons, turning(ListName.LIMITS, part)))


def _line(data: LimitsList, line: LimitLine) -> tuple[str, str, list[tuple[str, str]]]:
    """Return a limit's name, its use against the desk's value, and its narrower values."""
    mark = " *" if line.desk != line.setting or line.pending is not None else ""
    return limit_name(line.limit.value) + mark, _against(line), [_narrow(data, each) for each in line.narrower]


def _against(line: LimitLine) -> str:
    limit, held = line.limit, line.desk if line.own is None else line.own.value
    bound = limit_words(limit, held)
    if held is None:
        return bound
    if line.use is None:
        return f"{'min' if RULES[limit].bound is Bound.LEAST else 'max'} {bound}"
    used = limit_words(limit, line.use).removesuffix(" %")
    return f"{used} {'min' if RULES[limit].bound is Bound.LEAST else 'of'} {bound}"


def _narrow(data: LimitsList, each: ScopedValue) -> tuple[str, str]:
    subject = data.names.get(each.subject, each.subject) if each.scope is Scope.PERSON else each.subject
    return f"  {each.scope.value} {clip(subject, 16)}", limit_words(each.limit, each.value)


def limit_page(data: LimitsList, limit: Limit) -> Rendered:
    """Return one limit: what the file says, what holds, its narrower values, and values to propose."""
    line = next(each for each in data.rows if each.limit is limit)
    text = render(
        "limit",
        name=limit_name(limit.value),
        key=limit.value,
        badge=badge(data.modes),
        bound=RULES[limit].bound.value,
        code=RULES[limit].code.value,
        desk=limit_words(limit, line.desk),
        setting=limit_words(limit, line.setting),
        changed=line.desk != line.setting,
        own=f"{limit_words(limit, line.own.value)} ({clip(line.own.named, 24)})" if line.own is not None else "off",
        use=limit_words(limit, line.use) if line.use is not None else "per entry",
        narrower=[_narrow(data, each) for each in line.narrower],
        pending=line.pending.number if line.pending is not None else None,
        reader=data.reader,
        at=data.at,
    )
    back = act("Back", ListButton(name=ListName.LIMITS))
    return Rendered(text=text, rows=(tuple(_steps(line)) if data.may_change else (), (back,)))


def _steps(line: LimitLine) -> Sequence[Button]:
    """Offer a few values around the one in force, in the unit's own steps."""
    if line.desk is None or line.desk == 0:
        return ()
    values = [_stepped(line, step) for step in STEPS]
    return [
        act(
            limit_words(line.limit, value).replace(" ", ""),
            ApprovalButton(verb=ApprovalVerb.SET, item=line.limit.value, arg=canonical(value)),
        )
        for value in dict.fromkeys(values)
        if value not in (line.desk, Decimal(0))
    ][:3]


def _stepped(line: LimitLine, step: Decimal) -> Decimal:
    value = (line.desk or Decimal(0)) * step
    whole = RULES[line.limit].unit in (Unit.COUNT, Unit.SECONDS)
    return value.quantize(Decimal(1)) if whole else value.quantize(Decimal("0.0001")).normalize()


def limit_question(limit: Limit, before: Decimal | None, after: Decimal, *, tightens: bool) -> Rendered:
    """Say what a value would do before it is proposed."""
    text = render(
        "limit_question",
        name=limit_name(limit.value),
        before=limit_words(limit, before),
        after=limit_words(limit, after),
        tightens=tightens,
    )
    again = ListButton(name=ListName.LIMITS, arg=limit.value)
    go = ApprovalButton(verb=ApprovalVerb.DO, item=limit.value, arg=canonical(after))
    return Rendered(text=text, rows=((act("Back", again), act("Tighten" if tightens else "Propose", go, Style.PRIMARY)),))
