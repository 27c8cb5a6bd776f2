"""The preview before the confirming tap, its refusal with the way out, and the list of checks."""

from __future__ import annotations

from handlers.telegram.callbacks import ActButton, MissionButton, MissionVerb
from handlers.telegram.views.checks import LABELS, compared, explain
from handlers.telegram.views.entering import how_button
from handlers.telegram.views.format import COLUMNS, clip, fixed, r_units
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import SIDE_MARK, badge, hash_words, share_words
from services.domain.buttons import Act
from services.domain.money import Money
from services.domain.signals import Mission
from services.domain.states import MissionState
from services.domain.verdicts import Check, CheckCode, Unit
from services.reporting.preview_view import PreviewView
from services.storage.previews import PreviewState

CHECKS_A_PAGE = 10
CHOSEN = " •"


def render_preview(view: PreviewView) -> Rendered:
    """Return the preview with its sizes and Confirm, the refusal with what would help, or the end of either."""
    if view.mission.state is not MissionState.OPEN:
        return _over(view)
    if view.preview.state is PreviewState.REFUSED and view.denials:
        return _refused(view, view.denials[0])
    return _open(view)


def _side(mission: Mission) -> str:
    return mission.signal.side.value.upper()


def _verb(view: PreviewView, text: str, verb: MissionVerb, arg: str = "") -> Button:
    return act(text, MissionButton(verb=verb, mission=view.mission.id, arg=arg))


def _open(view: PreviewView) -> Rendered:
    shares = share_words([target.share for target in view.targets])
    targets = [f"{r_units(target.r, 1)} {share}" for target, share in zip(view.targets, shares, strict=True)]
    text = render(
        "preview",
        v=view,
        mark=SIDE_MARK[view.mission.signal.side],
        side=_side(view.mission),
        badge=badge([view.mode]),
        loss=Money(-view.loss.amount, view.loss.currency),
        targets=", ".join(targets[:2]) + (" …" if len(targets) > 2 else ""),
        proof=_proof(view),
        nearest=[f"{LABELS[check.code]} {_compared(check, view)}" for check in view.nearest],
    )
    last = (_verb(view, f"Checks {len(view.preview.checks)}", MissionVerb.CHECKS), _verb(view, "Back", MissionVerb.BACK))
    if view.preview.state is not PreviewState.OPEN or view.preview.token_id is None:
        return Rendered(text=text, rows=(last,))
    token = ActButton(act=Act.CONFIRM_FIRE, token=view.preview.token_id)
    confirm = (act("Confirm", token, Style.SUCCESS),)
    return Rendered(text=text, rows=(_sizes(view), how_button(view), confirm, (*last, *_elsewhere(view))))


def _elsewhere(view: PreviewView) -> tuple[Button, ...]:
    """Offer the next of the trader's terminals."""
    if view.next_terminal is None:
        return ()
    place, name = view.next_terminal
    return (_verb(view, f"→ {clip(name, 14)}", MissionVerb.TERMINAL, str(place)),)


def _sizes(view: PreviewView) -> tuple[Button, ...]:
    """Offer the sizes that are there and differ; the chosen one has a dot."""
    preview = view.preview
    chosen = "full" if preview.size == "max" and preview.largest == preview.full else preview.size
    offered = [("half", "½", preview.half), ("full", "1×", preview.full)]
    if preview.largest > preview.full:
        factor = f"{fixed(preview.largest / preview.full, 1)}× max" if preview.full else "max"
        offered.append(("max", factor, preview.largest))
    return tuple(
        _verb(view, label + (CHOSEN if name == chosen else ""), MissionVerb.SIZE, name)
        for name, label, size in offered
        if size > 0
    )


def _proof(view: PreviewView) -> str:
    return hash_words(view.digest) if view.digest is not None else ""


def _compared(check: Check, view: PreviewView) -> str:
    return compared(check, decimals=view.grid.decimals, currency=view.value.currency)


def _refused(view: PreviewView, check: Check) -> Rendered:
    sentence = explain(check, symbol=view.mission.signal.symbol, decimals=view.grid.decimals, currency=view.value.currency)
    text = render(
        "refused",
        v=view,
        check=check,
        side=_side(view.mission),
        badge=badge([view.mode]),
        proof=_proof(view),
        explained=[sentence],
        others=[each.code.value for each in view.denials[1:]],
    )
    last = (_verb(view, f"Checks {len(view.preview.checks)}", MissionVerb.CHECKS), _verb(view, "Back", MissionVerb.BACK))
    return Rendered(text=text, rows=(_ways_out(view, check), _otherwise(view, check), (*last, *_elsewhere(view))))


def _ways_out(view: PreviewView, check: Check) -> tuple[Button, ...]:
    """Return what would help: a size that passes, the other sizes for one too small, a reminder, a commander."""
    if view.passing is not None:
        return (_verb(view, f"Fire {fixed(view.passing, 2)}× (passes)", MissionVerb.SIZE, "max"),)
    if check.code is CheckCode.MIN_SIZE:
        return tuple(button for button in _sizes(view) if not button.text.endswith(CHOSEN))
    ways = [_verb(view, "Remind me", MissionVerb.REMIND)] if check.frees_at is not None else []
    if view.ask is not None:
        ways.append(_verb(view, f"Ask {clip(view.ask, 16)}", MissionVerb.ASK))
    return tuple(ways)


def _otherwise(view: PreviewView, check: Check) -> tuple[Button, ...]:
    """Offer the other ways to enter where the price stands in the way of this one."""
    return how_button(view) if check.code is CheckCode.PRICE_COLLAR else ()


def _over(view: PreviewView) -> Rendered:
    mission = view.mission
    text = render(
        "preview_over",
        v=view,
        side=_side(mission),
        badge=badge([view.mode]),
        word="fired" if view.preview.state is PreviewState.FIRED else mission.state.value,
        until=mission.closed_at or mission.signal.expires_at,
    )
    return Rendered(text=text)


def render_checks(view: PreviewView, page: int = 1) -> Rendered:
    """Return a page of all checks with value and limit, and the way back to the preview."""
    checks = view.preview.checks
    pages = max(1, -(-len(checks) // CHECKS_A_PAGE))
    page = min(max(1, page), pages)
    text = render(
        "checks",
        v=view,
        side=_side(view.mission),
        badge=badge([view.mode]),
        checks=[_line(check, view) for check in checks[(page - 1) * CHECKS_A_PAGE : page * CHECKS_A_PAGE]],
        passed=sum(check.passed for check in checks),
        total=len(checks),
        page=page,
        pages=pages,
        proof=_proof(view),
    )
    back = _verb(view, "Back", MissionVerb.CARD)
    copies = ((Button(text="Copy proof", copy=view.digest),),) if view.digest is not None else ()
    if pages == 1:
        return Rendered(text=text, rows=(*copies, (back,)))
    turn = _verb(view, "More" if page < pages else "First", MissionVerb.CHECKS, str(page % pages + 1))
    return Rendered(text=text, rows=(*copies, (turn, back)))


def _line(check: Check, view: PreviewView) -> tuple[str, str, str]:
    said = _compared(check, view)
    if check.unit is Unit.PRICE:
        said = said.partition(" of ")[0]
    elif check.unit is Unit.MONEY:
        said = said.replace(f" {view.value.currency}", "")
    code = check.code.value
    return "✓" if check.passed else "✗", code, clip(said, COLUMNS - len(code) - 3)
