"""The first tap: what this trade would be for this trader, and the token that its Confirm carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from services.access import checklist
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.cards import preview_card
from services.domain.errors import Refused
from services.domain.money import Quantity, canonical
from services.domain.notices import Priority
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.signals import Mission
from services.domain.verdicts import Check, Verdict
from services.missions.approve import TradeApprovals
from services.missions.entries import TAKE_NOW, EntryWish, plan_entry, unpriced
from services.missions.planning import Case, Desk, find_mission
from services.missions.sizes import NOTHING, offer
from services.risk import recorded
from services.risk.gate import SIZE_CODES
from services.risk.sizing import loss_at_stop
from services.storage import outbox, previews, terminals, tokens, verdicts
from services.storage.database import Database, Unit
from services.storage.previews import Preview, PreviewState

SIZES = ("half", "full", "max")
# A second press this soon means the preview that is there, not another one.
DOUBLE_PRESS = timedelta(seconds=5)
ASKS = "needs a second yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """The preview is on its way to the trader's private chat; ``refused`` carries the deciding check.

    ``again`` says that it is the message of a moment ago, refreshed.
    """

    mission_id: str
    refused: Check | None
    again: bool = False


class OpenPreview:
    """Show a trader the preview of a mission in private, or why it cannot be fired."""

    def __init__(self, database: Database, desk: Desk, ids: Ids, approvals: TradeApprovals) -> None:
        self._database = database
        self._desk = desk
        self._ids = ids
        self._approvals = approvals

    async def __call__(
        self,
        actor: Actor,
        reference: str | None,
        *,
        size: str | None = "full",
        anew: bool = True,
        terminal: int | None = None,
        wish: EntryWish | None = None,
    ) -> Previewed:
        """Store preview and token and ask for the card; raise NotAllowed, NotFound or Refused when there is nothing to show.

        ``size`` is one of half, full, max, or None for the one shown; ``anew`` sends a new message rather than changing the
        one that is there; ``terminal`` is the place of a terminal among the trader's, the one used by default being 0;
        ``wish`` says how to enter, by default as shown before.
        """

        def body(unit: Unit) -> Previewed:
            person = require(unit, actor, Role.TRADER, "fire")
            mission = find_mission(unit, reference)
            shown = None if anew else previews.find(unit, mission.id, person.id)
            return self.prepare(
                unit,
                person,
                mission,
                size=size or (shown.size if shown is not None else "full"),
                anew=anew,
                terminal_id=self._terminal(unit, person, shown, terminal),
                wish=wish or EntryWish.load(shown.route if shown is not None else None),
            )

        return await self._database.write(body, urgent=True)

    async def press(self, actor: Actor, mission_id: str) -> Previewed:
        """Answer a press of Fire: with a new message, or by refreshing one that came seconds ago, as it was set."""

        def body(unit: Unit) -> Previewed:
            person = require(unit, actor, Role.TRADER, "fire")
            mission = find_mission(unit, mission_id)
            shown = self._just_shown(unit, person, mission)
            if shown is None:
                return self.prepare(unit, person, mission, size="full", anew=True)
            wish = EntryWish.load(shown.route)
            terminal_id, size = shown.terminal_id, shown.size
            done = self.prepare(unit, person, mission, size=size, anew=False, terminal_id=terminal_id, wish=wish)
            return replace(done, again=True)

        return await self._database.write(body, urgent=True)

    def prepare(
        self,
        unit: Unit,
        person: Person,
        mission: Mission,
        *,
        size: str,
        anew: bool,
        note: str = "",
        quantity: Decimal | None = None,
        terminal_id: str | None = None,
        wish: EntryWish = TAKE_NOW,
    ) -> Previewed:
        """Put the preview together inside a unit; shared with Confirm, which refreshes what is too old.

        ``quantity`` asks about exactly that much: a Confirm that was refused shows why, and the size that would pass. A way
        to enter that the terminal does not take becomes the usual one.
        """
        if size not in SIZES:
            raise Refused("SIZE", value=size)
        case = self._desk.case(unit, mission, person, terminal_id)
        kinds = self._desk.kinds(case.terminal)
        if wish.kind not in kinds:
            wish, note = TAKE_NOW, note or "entry: take now"
        preview, verdict = self._judge(unit, case, size, note, quantity, wish)
        preview = replace(preview, route={**(preview.route or {}), "kinds": ",".join(kinds)})
        if preview.state is PreviewState.OPEN:
            if self._approvals.reasons(case, preview.quantity, preview.worst_price, mission.signal.stop):
                preview = replace(preview, note=preview.note or ASKS)
            token = self._token(unit, case, preview, wish)
            tokens.add(unit, token)
            preview = replace(preview, token_id=token.id)
        previews.save(unit, preview)
        if preview.state is PreviewState.REFUSED:
            checklist.tick(unit, person.id, "refused")
        outbox.show(unit, preview_card(mission.id, person.id), person.id, priority=Priority.TAP, anew=anew)
        return Previewed(mission_id=mission.id, refused=verdict.denials[0] if verdict.denials else None)

    def mode_of(self, unit: Unit, terminal_id: str | None) -> str | None:
        """Return whether the money of a preview's terminal is real, in a word."""
        terminal = terminals.find(unit, terminal_id) if terminal_id is not None else None
        return terminal.mode.value if terminal is not None else None

    def _just_shown(self, unit: Unit, person: Person, mission: Mission) -> Preview | None:
        card = outbox.card(unit, preview_card(mission.id, person.id), person.id)
        just = card is not None and unit.now - card.created_at < DOUBLE_PRESS
        return previews.find(unit, mission.id, person.id) if just else None

    def _terminal(self, unit: Unit, person: Person, shown: Preview | None, place: int | None) -> str | None:
        """Return the terminal asked for, else the one that the preview in place shows, else None for the default."""
        if place is not None:
            usable = terminals.usable_by(unit, person.id)
            return usable[place % len(usable)].id if usable else None
        return shown.terminal_id if shown is not None else None

    def _judge(
        self, unit: Unit, case: Case, size: str, note: str, asked: Decimal | None, wish: EntryWish
    ) -> tuple[Preview, Verdict]:
        signal, rules = case.mission.signal, self._desk.rules
        costs = rules.costs_at(case.terminal)
        instrument, quote = case.market.instrument, case.market.quote
        plan, found = unpriced(wish, signal), NOTHING
        if instrument is not None and quote is not None:
            plan = plan_entry(wish, signal, quote, instrument, rules.limits, rules.routes)
            found = offer(case, plan, rules, unit.now)
        sizes = found.sizes
        quantity = sizes.named(size) if asked is None else Quantity(asked)
        verdict, context = self._desk.judge(
            unit, case, quantity=quantity, worst_price=plan.worst, stop=signal.stop, kind=plan.kind, price=plan.price
        )
        preview = Preview(
            mission_id=case.mission.id,
            person_id=case.person.id,
            terminal_id=case.terminal.id,
            state=PreviewState.OPEN if verdict.allowed else PreviewState.REFUSED,
            token_id=None,
            size=size,
            quantity=quantity,
            half=sizes.half,
            full=sizes.full,
            largest=sizes.largest,
            decision_price=plan.decision,
            worst_price=plan.worst,
            loss=loss_at_stop(quantity, plan.worst, signal.stop, costs),
            equity=case.market.equity,
            checks=verdict.checks,
            note=note,
            good_until=min(unit.now + timedelta(seconds=rules.limits.confirm_s), signal.expires_at),
            route=wish.dump()
            | ({"at": canonical(plan.price)} if plan.price is not None else {})
            | ({"sized": found.said} if found.said else {}),
            proof=verdicts.body_shown(
                verdict,
                mission_id=case.mission.id,
                person_id=case.person.id,
                terminal_id=case.terminal.id,
                context=recorded.dump(context),
            ),
        )
        return preview, verdict

    def _token(self, unit: Unit, case: Case, preview: Preview, wish: EntryWish) -> ActToken:
        waits = {"at": preview.route["at"]} if preview.route is not None and "at" in preview.route else {}
        return ActToken(
            id=self._ids.secret(),
            act=Act.CONFIRM_FIRE,
            person_id=case.person.id,
            chat_id=case.person.id,
            terms={
                "mission": case.mission.id,
                "terminal": case.terminal.id,
                "size": preview.size,
                "quantity": canonical(preview.quantity),
                "decision_price": canonical(preview.decision_price),
                "worst_price": canonical(preview.worst_price),
                "stop": canonical(case.mission.signal.stop),
                **wish.dump(),
                **waits,
            },
            created_at=unit.now,
            expires_at=preview.good_until,
            used_at=None,
        )


def passing_size(preview: Preview) -> Decimal | None:
    """Return the largest size that would pass when only the size was refused, else None."""
    failed = {check.code for check in preview.checks if not check.passed}
    return preview.largest if failed and failed <= SIZE_CODES and preview.largest > 0 else None
