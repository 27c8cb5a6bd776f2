"""What stored fires say of another limit: asked again under both values, with what their trades came to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.system import SystemIds
from config.approvals import ApprovalSettings
from services.access.changes import ChangeBook
from services.access.second_person import SecondPerson
from services.domain.changes import Change, ChangeKind, Evidence
from services.domain.limits import Limit, Scope
from services.domain.verdicts import CheckCode
from services.missions.fire import Denied, Fired
from services.risk.evidence import evidence_of
from services.risk.limit_changes import LimitChanges, Target, read_value, tightens, written
from services.storage import verdicts
from services.storage.database import Unit
from tests.trading.rig import ANN, CARL, Rig, desk_at
from tests.trading.taps import confirm_token, fire

D = Decimal
MIN_SCORE = Target(limit=Limit.MIN_SCORE)


class Changing:
    """Changes of limits beside a desk, as the chat makes them."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        waits, ids = ApprovalSettings(), SystemIds()
        self._book = ChangeBook(ids, waits, SecondPerson(ids, waits))
        self._limits = LimitChanges(rig.settings.risk)
        self._limits.register(self._book)

    async def tighten(self, target: Target, text: str) -> Change:
        def body(unit: Unit) -> Change:
            before, after = self._limits.value(unit, target), read_value(target, text)
            assert tightens(target, before, after)
            return self._book.propose(
                unit,
                self._rig.actor(CARL),
                ChangeKind.LIMIT,
                target.written,
                written(before),
                written(after),
                tightens=True,
            )

        return await self._rig.trading.database.write(body)

    async def says(self, target: Target, text: str) -> Evidence:
        def look(unit: Unit) -> Evidence:
            before, after = self._limits.after(unit, target, read_value(target, text))
            return evidence_of(unit, target, before, after, least=2)

        found: Evidence = await self._rig.read(look)
        return found


async def a_loss_and_a_win(rig: Rig) -> None:
    """Two trades at half a percent of risk: one ends at its stop, one at its last target."""
    for prices in (("62900", "62901"), ("66000", "66001"), ("67500", "67501")):
        if prices[0] != "67500":
            await rig.price("64000", "64001")
            assert isinstance(await fire(rig), Fired)
            await rig.settle()
        await rig.price(*prices)


async def test_tighter_limit_says_what_it_would_have_denied_and_what_that_came_to(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await a_loss_and_a_win(rig)
        changing = Changing(rig)

        tight = await changing.says(Target(limit=Limit.PER_TRADE), "0.4%")
        loose = await changing.says(Target(limit=Limit.PER_TRADE), "0.6%")
        of_tom = await changing.says(Target(limit=Limit.PER_TRADE, scope=Scope.PERSON, subject="1002"), "0.1%")
        of_ann = await changing.says(Target(limit=Limit.PER_TRADE, scope=Scope.PERSON, subject=str(ANN)), "0.1%")

    assert (tight.fires, tight.turned, tight.with_result, tight.unread, tight.enough) == (2, 2, 2, 0, True)
    assert tight.avoided is not None and D("0.9") < tight.avoided < D("1.3")
    assert tight.forgone is not None and D("1.5") < tight.forgone < D(4)
    assert (loose.fires, loose.turned) == (2, 0)
    assert (of_tom.fires, of_tom.avoided, of_tom.enough) == (0, None, False)
    assert Evidence.load(tight.dump()) == tight
    assert (of_ann.turned, of_ann.avoided) == (2, tight.avoided)


async def test_limit_that_was_changed_between_the_taps_binds_and_its_way_back_says_what_it_would_let_through(
    tmp_path: Path,
) -> None:
    async with desk_at(tmp_path) as rig:
        changing, token = Changing(rig), await confirm_token(rig)
        await changing.tighten(MIN_SCORE, "80")

        outcome = await rig.trading.fire(rig.actor(ANN), token)

        assert isinstance(outcome, Denied) and outcome.check.code is CheckCode.MIN_SCORE
        back, still = await changing.says(MIN_SCORE, "60"), await changing.says(MIN_SCORE, "75")
        kept = await rig.read(lambda unit: verdicts.recorded_since(unit, rig.clock.now().replace(year=2000), 10))
        hashes = await rig.read(lambda unit: {each.context["config_hash"] for each in kept})

    assert (back.fires, back.turned, back.avoided) == (1, 1, None)
    assert (still.fires, still.turned) == (1, 0)
    assert hashes.isdisjoint({rig.settings.fingerprint})


async def test_what_was_not_measured_then_is_said_to_be_unread(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await a_loss_and_a_win(rig)

        found = await Changing(rig).says(Target(limit=Limit.GROSS_EXPOSURE), "1%")

    assert (found.fires, found.turned, found.unread) == (0, 0, 2)
