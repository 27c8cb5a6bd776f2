"""The second tap: the gate decides; trade, instruction, verdict, journal and card are committed together, nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.access import audience, buttons, checklist
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.cards import mission_card, preview_card, trade_card
from services.domain.entries import EntryKind, entry_instruction, entry_order, maker_price, touch_of
from services.domain.errors import NotFound, Unavailable
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.money import Price, Quantity
from services.domain.notices import Priority, Topic
from services.domain.orders import Instruction
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.routes import Route, RoutePhase, load_route, within
from services.domain.signals import Mission
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.domain.verdicts import Check, Verdict
from services.missions.entries import EntryWish
from services.missions.planning import Case, Desk
from services.missions.preview import OpenPreview
from services.risk import recorded
from services.risk.breaking import BreakerBook
from services.risk.gate import REFRESH_CODES
from services.risk.sizing import loss_at_stop
from services.risk.what_if import carried
from services.storage import instructions, missions, outbox, previews, routes, terminals, tokens, trades, verdicts
from services.storage.counters import next_number
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


FireOutcome = Fired | Denied | Refreshed | AlreadyFired


class FireMission:
    """Carry out a Confirm: at most one trade for each token, whoever presses it however often."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        previewing: OpenPreview,
        ids: Ids,
        breakers: BreakerBook,
        meter: Meter | None = None,
    ) -> None:
        self._database = database
        self._meter: Meter = meter or Unmeasured()
        self._desk = desk
        self._previewing = previewing
        self._ids = ids
        self._breakers = breakers

    async def __call__(self, actor: Actor, token_id: str, pressed: int | None = None) -> FireOutcome:
        """Fire, deny or refresh; raise NotFound for a forged token and NotAllowed for another person's or chat's.

        ``pressed`` is the message whose button it was, which lives on as the trade's card.
        """
        return await self._database.write(lambda unit: self._fire(unit, actor, token_id, pressed), urgent=True)

    def _fire(self, unit: Unit, actor: Actor, token_id: str, pressed: int | None) -> FireOutcome:
        token = buttons.check(unit, actor, token_id, Act.CONFIRM_FIRE)
        person = require(unit, actor, Role.TRADER)
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
        case = self._desk.case(unit, mission, person, token.terms["terminal"])
        plan = _Bound.of(token)
        verdict, context = self._judge(unit, case, plan)
        if not verdict.allowed:
            return self._deny(unit, actor, case, token, plan, verdict, context)
        if not tokens.use(unit, token.id):
            return AlreadyFired()
        return self._commit(unit, actor, case, plan, verdict, context, pressed)

    def _judge(self, unit: Unit, case: Case, plan: _Bound) -> tuple[Verdict, Mapping[str, object]]:
        """Ask the gate; with its inputs is kept how long it took, when the tap came, and what the account carried."""
        began = self._desk.clock.monotonic()
        verdict, context = self._desk.judge(
            unit, case, quantity=plan.quantity, worst_price=plan.worst_price, stop=plan.stop, kind=plan.kind, price=plan.at
        )
        took = self._desk.clock.monotonic() - began
        self._meter.time(Timed.GATE, took)
        tapped = unit.received_at.isoformat() if unit.received_at is not None else None
        beside = {"gate_s": round(took, 6), "tapped": tapped, "carried": carried(case.live).dump()}
        return verdict, recorded.dump(context) | beside

    def _refresh(self, unit: Unit, person: Person, mission: Mission, token: ActToken, note: str) -> Refreshed:
        kept = token.terms["terminal"] if _still_theirs(unit, person, token) else None
        wish, size = EntryWish.load(token.terms), token.terms["size"]
        self._previewing.prepare(unit, person, mission, size=size, anew=False, note=note, terminal_id=kept, wish=wish)
        return Refreshed(reason=note)

    def _deny(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        token: ActToken,
        plan: _Bound,
        verdict: Verdict,
        context: Mapping[str, object],
    ) -> FireOutcome:
        check = verdict.denials[0]
        if {each.code for each in verdict.denials} <= REFRESH_CODES:
            return self._refresh(unit, case.person, case.mission, token, "the price moved")
        named, proof = self._keep(unit, case, verdict, context, trade_id=None)
        size, quantity = token.terms["size"], plan.quantity
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
            verdict=named,
            proof=proof,
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

    def _commit(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        plan: _Bound,
        verdict: Verdict,
        context: Mapping[str, object],
        pressed: int | None,
    ) -> Fired:
        trade = self._trade(unit, actor, case, plan)
        trades.add(unit, trade)
        self._breakers.begin_trial(unit, trade)
        if plan.kind is EntryKind.STOP:
            unit.wake("entries")
        else:
            self._meter.begin(Timed.TAP_TO_ORDER, trade.correlation, unit.received_at or unit.now)
            instructions.add(unit, self._entry(unit, case, trade, plan))
        named, proof = self._keep(unit, case, verdict, context, trade_id=trade.id)
        missions.decide(unit, case.mission.id, case.person.id, "fired", None)
        previews.set_state(unit, case.mission.id, case.person.id, PreviewState.FIRED)
        key = preview_card(case.mission.id, case.person.id)
        if not outbox.take_over(unit, key, trade_card(trade.id), case.person.id, pressed):
            outbox.show(unit, trade_card(trade.id), case.person.id, priority=Priority.TAP)
        outbox.refresh(unit, mission_card(case.mission.id))
        checklist.tick(unit, case.person.id, "fire")
        unit.record(
            actor,
            "trade.fired",
            trade=trade.number,
            mission=case.mission.number,
            terminal=trade.terminal_id,
            symbol=trade.symbol,
            side=trade.side.value,
            quantity=trade.quantity,
            worst_price=trade.worst_price,
            stop=trade.stop,
            entry=plan.kind.value,
            config=verdict.config_hash[:12],
            verdict=named,
            proof=proof,
        )
        return Fired(trade_id=trade.id, number=trade.number, proof=proof)

    def _trade(self, unit: Unit, actor: Actor, case: Case, plan: _Bound) -> Trade:
        signal = case.mission.signal
        return Trade(
            id=self._ids.row(),
            number=next_number(unit, "trade"),
            mission_id=case.mission.id,
            person_id=case.person.id,
            terminal_id=case.terminal.id,
            symbol=signal.symbol,
            side=signal.side,
            state=TradeState.WORKING,
            quantity=Quantity(plan.quantity),
            decision_price=plan.decision_price,
            worst_price=plan.worst_price,
            stop=plan.stop,
            initial_stop=plan.stop,
            targets=signal.targets,
            risk_money=loss_at_stop(plan.quantity, plan.worst_price, plan.stop, self._desk.rules.costs_at(case.terminal)),
            currency=case.terminal.currency,
            tapped_at=unit.now,
            correlation=actor.correlation,
            route=self._route(unit, case, plan),
        )

    def _route(self, unit: Unit, case: Case, plan: _Bound) -> Mapping[str, str] | None:
        """Return how the desk works an entry that does not just take."""
        if plan.kind in (EntryKind.TAKE, EntryKind.WHOLE):
            return None
        quote, instrument = case.market.quote, case.market.instrument
        if quote is None or instrument is None:
            raise Unavailable("NO_DATA", symbol=case.mission.signal.symbol)
        signal, rules = case.mission.signal, self._desk.rules.routes
        price = plan.at
        if price is None:
            offset = routes.offset_at(unit, case.terminal.venue, signal.symbol, rules.offset_bps)
            price = within(maker_price(quote, signal.side, offset, instrument), plan.worst_price, signal.side)
        waits = plan.kind is EntryKind.STOP
        return Route(
            kind=plan.kind,
            phase=RoutePhase.ARMED if waits else RoutePhase.RESTING,
            price=price,
            touch=touch_of(quote, signal.side),
            began=unit.now,
            since=unit.now,
            until=min(unit.now + timedelta(seconds=rules.rest_s), signal.expires_at),
            placed=0 if waits else 1,
        ).dump()

    def _entry(self, unit: Unit, case: Case, trade: Trade, plan: _Bound) -> Instruction:
        instruction_id = self._ids.instruction()
        deadline = unit.now + timedelta(seconds=self._desk.rules.limits.entry_deadline_s)
        route = load_route(trade.route)
        price = route.price if route is not None else trade.worst_price
        able = self._desk.capabilities(case.terminal.venue)
        order = entry_order(instruction_id, trade, plan.kind, trade.quantity, price, able)
        deadline = min(deadline, case.mission.signal.expires_at)
        return entry_instruction(instruction_id, trade, order, deadline=deadline, collar=trade.worst_price, now=unit.now)

    def _keep(
        self, unit: Unit, case: Case, verdict: Verdict, context: Mapping[str, object], *, trade_id: str | None
    ) -> tuple[str, str]:
        """Store the verdict; return its id and its proof's hash, which the journal's row names: a later change shows."""
        verdict_id = self._ids.row()
        proof = verdicts.add(
            unit,
            verdict_id,
            verdict,
            trade_id=trade_id,
            mission_id=case.mission.id,
            person_id=case.person.id,
            terminal_id=case.terminal.id,
            context=context,
        )
        return verdict_id, proof


def _still_theirs(unit: Unit, person: Person, token: ActToken) -> bool:
    return any(each.id == token.terms["terminal"] for each in terminals.usable_by(unit, person.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """The terms that a Confirm token binds."""

    quantity: Decimal
    decision_price: Price
    worst_price: Price
    stop: Price
    kind: EntryKind
    at: Price | None

    @classmethod
    def of(cls, token: ActToken) -> _Bound:
        return cls(
            quantity=Decimal(token.terms["quantity"]),
            decision_price=Price(Decimal(token.terms["decision_price"])),
            worst_price=Price(Decimal(token.terms["worst_price"])),
            stop=Price(Decimal(token.terms["stop"])),
            kind=EntryKind(token.terms["how"]),
            at=Price(Decimal(token.terms["at"])) if "at" in token.terms else None,
        )
