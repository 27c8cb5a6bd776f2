"""A trade that waits for a second person, as a card with its answers."""

from __future__ import annotations

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.approvals import answer_buttons
from handlers.telegram.views.checks import LABELS, compared
from handlers.telegram.views.format import clip
from handlers.telegram.views.message import Rendered, Rows, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import SIDE_MARK, badge
from services.domain.buttons import Act
from services.reporting.trade_question import TradeQuestionView

NAMED = 3


def render_trade_question(view: TradeQuestionView) -> Rendered:
    """Return the card of a question: what is asked and with which buttons it is answered, or how it ended."""
    about, approval = view.about, view.approval
    text = render(
        "trade_question",
        v=view,
        q=about,
        mark=SIDE_MARK[about.side],
        badge=badge([about.mode]),
        state=approval.state.value,
        nearest=[
            f"{LABELS[each.code]} {compared(each, decimals=about.grid.decimals, currency=about.value.currency)}"
            for each in about.nearest
        ],
        why=", ".join(about.why),
        yes=_names(view.yes),
    )
    return Rendered(text=text, rows=_rows(view))


def _rows(view: TradeQuestionView) -> Rows:
    proof = (act("Proof", TradeButton(verb=TradeVerb.PROOF, trade=view.about.trade_id)),) if view.may_prove else ()
    yes, no = view.buttons.get(Act.APPROVE), view.buttons.get(Act.REJECT)
    return (proof,) if yes is None or no is None else (answer_buttons(yes, no), proof)


def _names(names: tuple[str, ...]) -> str:
    shown = [clip(each, 16) for each in names[:NAMED]]
    return ", ".join([*shown, f"+{len(names) - NAMED}"] if len(names) > NAMED else shown)
