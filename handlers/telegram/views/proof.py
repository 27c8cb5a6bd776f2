"""The proof of a trade: plan beside outcome, what it cost and when, and where it is written down."""

from __future__ import annotations

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.format import MISSING, bps, money, percent
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, hash_words, plural
from services.portfolio.executions import Cost
from services.reporting.proof import Proof

TIMES = "times"


def render_proof(proof: Proof) -> Rendered:
    """Return a trade's proof, for the private chat of who may see its money."""
    verdict, journal, execution = proof.verdict, proof.journal, proof.execution
    text = render(
        "proof",
        p=proof,
        badge=badge([proof.mode]),
        bound={True: "kept", False: "EXCEEDED", None: MISSING}[proof.within_bound],
        slip=_cost(execution.slippage),
        delay=_cost(execution.delay),
        maker=f"maker {percent(execution.maker * 100, 0)}" if execution.maker is not None else f"maker {MISSING}",
        checks=f"{verdict.passed} of {len(verdict.checks)}" if verdict else MISSING,
        config=f"settings {verdict.config_hash[:8]}" if verdict else "settings " + MISSING,
        journal=f"{journal.first}–{journal.last}" if journal else MISSING,
        chain=f"{'✓' if journal.sound else 'BROKEN'} {hash_words(journal.head)}" if journal else "",
    )
    first = [
        act("Back", TradeButton(verb=TradeVerb.CARD, trade=proof.id)),
        act("Times", TradeButton(verb=TradeVerb.PROOF, trade=proof.id, arg=TIMES)),
    ]
    copies = []
    if verdict is not None:
        copies.append(Button(text="Copy verdict", copy=verdict.id))
    if journal is not None:
        copies.append(Button(text="Copy hash", copy=journal.head))
    return Rendered(text=text, rows=(first, copies))


def render_times(proof: Proof) -> Rendered:
    """Return when each step of a trade was made and at which price, and whether the venue's ids join it up."""
    found = proof.execution
    text = render(
        "proof_times",
        p=proof,
        badge=badge([proof.mode]),
        counted=f"{found.attempts} sent, {plural(found.placed, 'order')}, {plural(found.fills, 'fill')}",
        joined="joined" if found.joined else "NOT JOINED",
    )
    back = act("Back", TradeButton(verb=TradeVerb.PROOF, trade=proof.id))
    return Rendered(text=text, rows=((back,),))


def _cost(cost: Cost | None) -> str:
    """Write a cost in bps and money; what was never filled has no money."""
    if cost is None:
        return MISSING
    said = bps(cost.bps)
    return f"{said} {money(cost.money, sign=True)}" if cost.money is not None else said
