"""The proof of a trade: plan beside outcome, what it cost and when, and where it is written down."""

from __future__ import annotations

from decimal import Decimal

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.checks import compared
from handlers.telegram.views.format import COLUMNS, MISSING, bps, clip, fixed, money, percent
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, hash_words, plural
from services.domain.verdicts import Check, CheckCode, Unit
from services.portfolio.executions import Cost
from services.reporting.proof import Proof, ProofVerdict

TIMES = "times"
RULES = "rules"
RULES_A_PAGE = 6


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
        checks=f"{verdict.passed}/{len(verdict.checks)}" if verdict else MISSING,
        hashed=_hashed(verdict),
        journal=f"{journal.first}–{journal.last}" if journal else MISSING,
        chain=f"{'✓' if journal.sound else 'BROKEN'} {hash_words(journal.head)}" if journal else "",
    )
    first = [
        act("Back", TradeButton(verb=TradeVerb.CARD, trade=proof.id)),
        act("Times", TradeButton(verb=TradeVerb.PROOF, trade=proof.id, arg=TIMES)),
    ]
    copies = []
    if verdict is not None:
        rules = TradeButton(verb=TradeVerb.PROOF, trade=proof.id, arg=RULES)
        first.append(act(f"Rules {len(verdict.checks)}", rules))
        copies.append(Button(text="Copy proof", copy=verdict.digest))
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


def render_rules(proof: Proof, page: int = 1) -> Rendered:
    """Return a page of the rules that the gate applied, with what it measured, how old that was, and what was carried then."""
    verdict = proof.verdict
    back = act("Back", TradeButton(verb=TradeVerb.PROOF, trade=proof.id))
    if verdict is None:
        return Rendered(text="No verdict was kept for this trade.", rows=((back,),))
    pages = max(1, -(-len(verdict.checks) // RULES_A_PAGE))
    page = min(max(1, page), pages)
    shown = verdict.checks[(page - 1) * RULES_A_PAGE : page * RULES_A_PAGE]
    ages = {check.code: check.value for check in verdict.checks if check.value is not None}
    text = render(
        "proof_rules",
        p=proof,
        badge=badge([proof.mode]),
        hashed=hash_words(verdict.digest),
        rules=[_rule(check, proof) for check in shown],
        config=verdict.config_hash[:8],
        quote_age=ages.get(CheckCode.DATA_AGE, MISSING),
        account_age=ages.get(CheckCode.EQUITY_AGE, MISSING),
        after=_what_if(verdict) if page == 1 else (),
        page=page,
        pages=pages,
    )
    if pages == 1:
        return Rendered(text=text, rows=((back,),))
    turn = TradeButton(verb=TradeVerb.PROOF, trade=proof.id, arg=f"{RULES}{page % pages + 1}")
    return Rendered(text=text, rows=((act("More" if page < pages else "First", turn), back),))


def rules_page(arg: str) -> int | None:
    """Return the page of rules that a button asks for, or None when it asks for something else."""
    number = arg.removeprefix(RULES)
    if not arg.startswith(RULES) or (number and not (number.isascii() and number.isdigit() and len(number) < 4)):
        return None
    return int(number or 1)


def _hashed(verdict: ProofVerdict | None) -> str:
    """Write a proof's hash, and whether the journal named this one."""
    if verdict is None:
        return MISSING
    named = {True: "✓", False: "BROKEN", None: "unnamed"}[verdict.holds]
    return f"{hash_words(verdict.digest)} {named}"


def _rule(check: Check, proof: Proof) -> tuple[str, str, str]:
    said = compared(check, decimals=proof.grid.decimals)
    if check.unit is Unit.PRICE:
        said = said.partition(" of ")[0]
    code = check.code.value
    return "✓" if check.passed else "✗", code, clip(said, COLUMNS - len(code) - 3)


def _what_if(verdict: ProofVerdict) -> tuple[tuple[str, str], ...]:
    """Say what the account carried before and after; as shares of equity where that was known."""
    before, after, equity = verdict.before, verdict.after, verdict.equity
    if before is None or after is None:
        return (("with this trade", MISSING),)

    def share(amount: Decimal) -> str:
        return percent(amount / equity * 100) if equity is not None and equity > 0 else fixed(amount, 2)

    return (
        ("open risk", f"{share(before.open_risk)} → {share(after.open_risk)}"),
        ("exposure", f"{share(before.exposure)} → {share(after.exposure)}"),
        ("trades", f"{before.trades} → {after.trades}"),
    )


def _cost(cost: Cost | None) -> str:
    """Write a cost in bps and money; what was never filled has no money."""
    if cost is None:
        return MISSING
    said = bps(cost.bps)
    return f"{said} {money(cost.money, sign=True)}" if cost.money is not None else said
