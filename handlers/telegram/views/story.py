"""What happened and why, each line with the journal's row that says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.checks import LABELS, compared, decimal_of, explain
from handlers.telegram.views.format import COLUMNS, MISSING, clip, percent, price, quantity
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from services.reporting.story import MOST_LINES, Reasons, Story, StoryLine

STORY = "story"
LINES_A_PAGE = 9
_SHORT = {"signal.dropped": "dropped", "mission.opened": "mission"}
_TELLING = ("code", "drop", "reason", "stage", "strategy", "symbol")


def render_story(story: Story, page: int = 1) -> Rendered:
    """Return a page of a trade's recorded life: time, what, and the journal's row."""
    pages = max(1, -(-len(story.lines) // LINES_A_PAGE))
    page = min(max(1, page), pages)
    purposes = {str(line.facts["instruction"]): str(line.facts["purpose"]) for line in story.lines if "purpose" in line.facts}
    shown = story.lines[(page - 1) * LINES_A_PAGE : page * LINES_A_PAGE]
    text = render("story", s=story, lines=[_line(each, purposes, tenths=True) for each in shown], page=page, pages=pages)
    buttons = [act("Proof", TradeButton(verb=TradeVerb.PROOF, trade=story.id))]
    if pages > 1:
        turn = TradeButton(verb=TradeVerb.PROOF, trade=story.id, arg=f"{STORY}{page % pages + 1}")
        buttons.insert(0, act("More" if page < pages else "First", turn))
    return Rendered(text=text, rows=(buttons,))


def story_page(arg: str) -> int | None:
    """Return the page of a story that a button asks for, or None when it asks for something else."""
    number = arg.removeprefix(STORY)
    return int(number) if arg.startswith(STORY) and number.isascii() and number.isdigit() and len(number) < 4 else None


def render_reasons(why: Reasons) -> Rendered:
    """Return why something is as it is; what was not recorded is said to be that."""
    verdict = why.verdict
    row = f"#{why.row}" if why.row is not None else "no row"
    said = []
    if verdict is not None and verdict.allowed:
        said.append(f"allowed by {len(verdict.checks)} rules ({row})")
        said += _size(why)
        said += [f"nearest: {LABELS[check.code]} {compared(check)}" for check in verdict.nearest]
    elif verdict is not None:
        decimals = why.grid.decimals if why.grid is not None else None
        denial = explain(verdict.denials[0], symbol=why.symbol, decimals=decimals, currency="")
        said += [f"denied: {verdict.denials[0].code.value} ({row})", denial]
    text = render(
        "reasons",
        w=why,
        said=said,
        lines=[_line(each, {}, tenths=False) for each in why.lines[-(MOST_LINES - len(said)) :]],
        recorded=bool(said or why.lines),
    )
    return Rendered(text=text)


def _size(why: Reasons) -> list[str]:
    """Say which rule about sizes a trade came nearest to."""
    if why.size is None or why.bound is None:
        return []
    share = percent(why.bound.use * 100, 0) if why.bound.use is not None else MISSING
    return [f"size {quantity(why.size)}: {share} of {why.bound.code.value}"]


def _line(line: StoryLine, purposes: Mapping[str, str], *, tenths: bool) -> tuple[str, str]:
    at = line.at.astimezone(UTC)
    time = f"{at:%H:%M:%S}.{at.microsecond // 100_000}" if tenths else f"{at:%d %H:%M}"
    row = f"#{line.row}" if line.row is not None else ""
    return f"{time} {clip(_words(line, purposes), COLUMNS - len(time) - len(row) - 2)}", row


def _words(line: StoryLine, purposes: Mapping[str, str]) -> str:
    facts, kind = line.facts, line.kind
    amount, at = decimal_of(facts.get("quantity")), decimal_of(facts.get("price"))
    if kind == "update.received":
        return "tap came in"
    if kind == "fill.booked" and amount is not None and at is not None:
        return f"{facts.get('role', '')} {quantity(amount)} at {price(at)}"
    if kind.startswith("instruction."):
        purpose = facts.get("purpose") or purposes.get(str(facts.get("instruction")), "order")
        return f"{purpose} {kind.removeprefix('instruction.')}"
    if kind == "choice.quiet":
        return f"quiet {facts.get('start')}–{facts.get('end')}"
    if kind == "mode.set":
        return f"mode {facts.get('after')} of {'you' if facts.get('scope') == 'person' else facts.get('subject')}"
    if kind == "auto.tried":
        return f"by itself: {facts.get('outcome')}"
    if kind == "choice.loudness":
        return f"you: {facts.get('event')} {facts.get('level')}"
    detail = next((str(facts[name]) for name in _TELLING if facts.get(name)), "")
    return f"{_SHORT.get(kind, kind)} {detail}".rstrip()
