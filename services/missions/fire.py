"""The second tap: the gate decides; trade, instruction, verdict, journal and card are committed together, nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.access import audience, buttons, checklist
from services.access.authority import require
from services.domain.approving import Why
from services.domain.buttons import Act, ActToken
from services.domain.cards import mission_card, preview_card, trade_card
from services.domain.errors import NotFound
from services.domain.notices import Priority, Topic
from services.domain.people import Actor, Person, Role
from services.domain.signals import Mission
from services.domain.trades import Trade
from services.domain.verdicts import Check
from services.missions.approve import TradeApprovals
from services.missions.decided import fired
from services.missions.entries import EntryWish
from services.missions.entry_book import EntryBook, EntryTerms, Judged
from services.missions.planning import AUTO, Case, Desk
from services.missions.preview import OpenPreview
from services.risk.gate import REFRESH_CODES
from services.storage import decision_journal, missions, outbox, previews, terminals, tokens, trades
from services.storage.database import Database, Unit
from services.storage.previews import PreviewState


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """The trade is committed and waits for the executor; ``proof`` is the hash of the verdict that let it through."""

    trade_id: str
    number: int
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The gate said no; the card shows why and the way out."""

    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """The preview was too old or the price moved beyond its bound: it was refreshed in place."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyFired:
    """This button had its effect before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The trade is committed and waits for ``needed`` others; ``solo`` where its trader confirms it alone by a phrase."""

    trade_id: str
    number: int
    needed: int
    solo: bool


FireOutcome = Fired | Waits | Denied | Refreshed | AlreadyFired


class FireMission:
    """Carry out a Confirm: at most one trade for each token, whoever presses it however often."""

    def __init__(
        self, database: Database, desk: Desk, previewing: OpenPreview, book: EntryBook, approvals: TradeApprovals
    ) -> None:
        self._database = database
        self._desk = desk
        self._previewing = previewing
        self._book = book
        self._approvals = approvals

    async def __call__(self, actor: Actor, token_id: str, pressed: int | None = None) -> FireOutcome:
        """Fire, deny or refresh; raise NotFound for a forged token and NotAllowed for another person's or chat's.

        ``pressed`` is the message whose button it was, which lives on as the trade's card.
        """
        return await self._database.write(lambda unit: self.in_unit(unit, actor, token_id, pressed), urgent=True)

    def in_unit(self, unit: Unit, actor: Actor, token_id: str, pressed: int | None) -> FireOutcome:
        """Carry the Confirm out inside a unit; shared with what fires without a tap."""
        token = buttons.check(unit, actor, token_id, Act.CONFIRM_FIRE)
        person = require(unit, actor, Role.TRADER, "fire")
        if token.used_at is not None:
            return AlreadyFired()
        mission = missions.find(unit, token.terms["mission"])
        if mission is None:
            raise NotFound("MISSION", reference=token.terms["mission"])
        shown = previews.find(unit, mission.id, person.id)
        if unit.now >= token.expires_at or shown is None or shown.token_id != token.id:
            return self._refresh(unit, person, mission, token, "this preview was too old")
        if not _still_theirs(unit, person, token):
            return self._refresh(unit, person, mission, token, "that terminal is not yours any more")
        case = replace(self._desk.case(unit, mission, person, token.terms["terminal"]), by_itself=actor.channel == AUTO)
        terms = EntryTerms.of(token)
        judged = self._book.judge(unit, case, terms)
        if not judged.verdict.allowed:
            return self._deny(unit, actor, case, token, terms, judged)
        if not tokens.use(unit, token.id):
            return AlreadyFired()
        why = self._approvals.reasons(case, terms.quantity, terms.worst_price, terms.stop)
        if why:
            return self._wait(unit, actor, case, terms, judged, why, pressed)
        return self._commit(unit, actor, case, terms, judged, pressed)

    def _refresh(self, unit: Unit, person: Person, mission: Mission, token: ActToken, note: str) -> Refreshed:
        kept = token.terms["terminal"] if _still_theirs(unit, person, token) else None
        wish, size = EntryWish.load(token.terms), token.terms["size"]
        self._previewing.prepare(unit, person, mission, size=size, anew=False, note=note, terminal_id=kept, wish=wish)
        return Refreshed(reason=note)

    def _deny(self, unit: Unit, actor: Actor, case: Case, token: ActToken, terms: EntryTerms, judged: Judged) -> FireOutcome:
        check = judged.verdict.denials[0]
        if {each.code for each in judged.verdict.denials} <= REFRESH_CODES:
            return self._refresh(unit, case.person, case.mission, token, "the price moved")
        kept = self._book.keep(unit, case, judged, trade_id=None)
        size, quantity = token.terms["size"], terms.quantity
        self._previewing.prepare(
            unit,
            case.person,
            case.mission,
            size=size,
            anew=False,
            quantity=quantity,
            terminal_id=case.terminal.id,
            wish=EntryWish.load(token.terms),
        )
        unit.record(
            actor,
            "fire.denied",
            mission=case.mission.number,
            code=check.code.value,
            value=check.value,
            limit=check.limit,
            verdict=kept.verdict_id,
            proof=kept.proof,
        )
        audience.tell_topic(
            unit,
            Topic.RISK,
            "refused_group",
            {
                "person": case.person.name,
                "mission": case.mission.number,
                "code": check.code.value,
                "mode": case.terminal.mode.value,
            },
            silent=True,
        )
        return Denied(check=check)

    def _commit(self, unit: Unit, actor: Actor, case: Case, terms: EntryTerms, judged: Judged, pressed: int | None) -> Fired:
        trade = self._book.trade(unit, actor, case, terms)
        trades.add(unit, trade)
        self._book.begin_trial(unit, trade)
        self._book.send(unit, case, trade, terms.kind)
        kept = self._book.keep(unit, case, judged, trade_id=trade.id)
        self._show(unit, case, trade, pressed)
        unit.record(
            actor,
            "trade.fired",
            **_terms(case, trade),
            entry=terms.kind.value,
            auto=case.by_itself,
            config=judged.verdict.config_hash[:12],
            verdict=kept.verdict_id,
            proof=kept.proof,
        )
        return Fired(trade_id=trade.id, number=trade.number, proof=kept.proof)

    def _wait(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        terms: EntryTerms,
        judged: Judged,
        why: Sequence[Why],
        pressed: int | None,
    ) -> Waits:
        """Commit a trade without an instruction: it counts at its worst, and nothing goes out before the last yes."""
        trade = self._book.trade(unit, actor, case, terms, waits=True)
        trades.add(unit, trade)
        self._book.begin_trial(unit, trade)
        asks = [each.value for each in why]
        judged = replace(judged, context={**judged.context, "asks": asks})
        kept = self._book.keep(unit, case, judged, trade_id=trade.id)
        self._show(unit, case, trade, pressed)
        approval = self._approvals.ask(unit, actor, case, trade)
        unit.record(
            actor,
            "trade.awaiting_approval",
            **_terms(case, trade),
            approval=approval.number,
            asks=asks,
            until=approval.expires_at,
            verdict=kept.verdict_id,
            proof=kept.proof,
        )
        return Waits(trade_id=trade.id, number=trade.number, needed=approval.needed, solo=approval.solo)

    def _show(self, unit: Unit, case: Case, trade: Trade, pressed: int | None) -> None:
        """Let the preview's message live on as the trade's card."""
        missions.decide(unit, case.mission.id, case.person.id, "fired", None)
        decision_journal.keep(unit, fired(case.mission, trade))
        previews.set_state(unit, case.mission.id, case.person.id, PreviewState.FIRED)
        key = preview_card(case.mission.id, case.person.id)
        if not outbox.take_over(unit, key, trade_card(trade.id), case.person.id, pressed):
            outbox.show(unit, trade_card(trade.id), case.person.id, priority=Priority.TAP)
        outbox.refresh(unit, mission_card(case.mission.id))
        checklist.tick(unit, case.person.id, "fire")


def _still_theirs(unit: Unit, person: Person, token: ActToken) -> bool:
    return any(each.id == token.terms["terminal"] for each in terminals.usable_by(unit, person.id))


def _terms(case: Case, trade: Trade) -> dict[str, object]:
    """Return the terms of a trade as the journal names them."""
    return {
        "trade": trade.number,
        "mission": case.mission.number,
        "terminal": trade.terminal_id,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "quantity": trade.quantity,
        "worst_price": trade.worst_price,
        "stop": trade.stop,
    }
