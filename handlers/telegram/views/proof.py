"""The proof of a trade: plan beside outcome, and where it is written down."""

from __future__ import annotations

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.format import MISSING
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, hash_words
from services.reporting.proof import Proof


def render_proof(proof: Proof) -> Rendered:
    """Return a trade's proof, for the private chat of who may see its money."""
    verdict, journal = proof.verdict, proof.journal
    text = render(
        "proof",
        p=proof,
        badge=badge([proof.mode]),
        bound={True: "kept", False: "EXCEEDED", None: MISSING}[proof.within_bound],
        checks=f"{verdict.passed} of {len(verdict.checks)}" if verdict else MISSING,
        config=f"settings {verdict.config_hash[:8]}" if verdict else "settings " + MISSING,
        journal=f"{journal.first}–{journal.last}" if journal else MISSING,
        chain=f"{'✓' if journal.sound else 'BROKEN'} {hash_words(journal.head)}" if journal else "",
    )
    buttons = [act("Back", TradeButton(verb=TradeVerb.CARD, trade=proof.id))]
    if verdict is not None:
        buttons.append(Button(text="Copy verdict", copy=verdict.id))
    if journal is not None:
        buttons.append(Button(text="Copy hash", copy=journal.head))
    return Rendered(text=text, rows=(buttons,))
