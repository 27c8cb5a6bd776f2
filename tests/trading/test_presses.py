"""Buttons pressed at once, twice, by others, elsewhere, too late, guessed and replayed: one effect at most."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.buttons import Act
from services.domain.errors import AlreadyDone, Expired, NotAllowed, NotFound, Refused
from services.domain.people import Actor, Person, Role
from services.domain.states import TradeState
from services.domain.verdicts import CheckCode
from services.missions import planning
from services.missions.fire import AlreadyFired, Denied, Fired, Refreshed
from services.storage import desk, people, tokens, trades, updates
from services.storage.database import UpdateTicket, current_update
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.taps import confirm_token, counted, elsewhere, fire, instruments, preview_of

GROUP = -1001
PRESSES, ROUNDS, GUESSES, TOO_LATE = 50, 20, 10_000, 100


async def test_fifty_presses_of_one_confirm_fire_one_trade_in_each_of_twenty_rounds(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        for number in range(1, ROUNDS + 1):
            token = await confirm_token(rig)
            pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for _ in range(PRESSES)))

            assert Counter(type(outcome) for outcome in pressed) == {Fired: 1, AlreadyFired: PRESSES - 1}
            after = await rig.read(counted)
            assert (after["trades"], after["instructions"]) == (number, number)
            await rig.trading.cancel(rig.actor(), None)


async def test_two_people_confirm_the_same_mission_each_for_themselves(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        mine, his = await confirm_token(rig, mission), await confirm_token(rig, mission, person=TOM)
        pressed = await asyncio.gather(
            *(rig.trading.fire(rig.actor(person), token) for person, token in ((ANN, mine), (TOM, his)) for _ in range(25))
        )

        assert Counter(type(outcome) for outcome in pressed) == {Fired: 2, AlreadyFired: 48}
        fired = await rig.read(trades.live)
        assert {(trade.person_id, trade.terminal_id) for trade in fired} == {(ANN, f"paper-{ANN}"), (TOM, f"paper-{TOM}")}


async def test_a_token_that_is_not_used_up_still_fires_one_trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the token stands the gate: a second trade on the same instrument is a duplicate."""
    monkeypatch.setattr(tokens, "use", lambda _unit, _token: True)
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for _ in range(PRESSES)))

        assert sum(isinstance(outcome, Fired) for outcome in pressed) == 1
        codes = {outcome.check.code for outcome in pressed if isinstance(outcome, Denied)}
        assert codes == {CheckCode.DUPLICATE}


@asynccontextmanager
async def untouched(rig: Rig) -> AsyncIterator[None]:
    """Hold what happens inside to have no effect at all."""
    before = await rig.read(counted), await rig.read(desk.count_journal)
    yield
    assert (await rig.read(counted), await rig.read(desk.count_journal)) == before


def strangers(rig: Rig) -> list[tuple[Actor, type[Refused]]]:
    """Return who may not press a button of Ann's private chat."""
    return [
        (rig.actor(TOM), NotAllowed),
        (rig.actor(CARL), NotAllowed),
        (rig.actor(4711), NotAllowed),
        (elsewhere(rig.actor(), GROUP), NotAllowed),
        (elsewhere(rig.actor(TOM), ANN), NotAllowed),
    ]


async def test_confirm_of_another_person_or_chat_has_no_effect(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        async with untouched(rig):
            for actor, refusal in strangers(rig):
                with pytest.raises(refusal):
                    await rig.trading.fire(actor, token)

        assert isinstance(await rig.trading.fire(rig.actor(), token), Fired)


async def test_close_of_another_person_or_chat_has_no_effect(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        asked = await rig.trading.ask_close(rig.actor(), fired.trade_id, Decimal(1))
        assert asked.token is not None
        async with untouched(rig):
            for actor, refusal in strangers(rig):
                with pytest.raises(refusal):
                    await rig.trading.close(actor, asked.token.id, Act.CLOSE)

        assert len((await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)).trades) == 1
        with pytest.raises(Expired):
            await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)


async def test_a_close_that_came_too_late_has_no_effect(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        asked = await rig.trading.ask_close(rig.actor(), fired.trade_id, Decimal(1))
        assert asked.token is not None
        rig.clock.advance(60)
        async with untouched(rig):
            with pytest.raises(Expired):
                await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)


async def test_a_button_of_one_act_does_not_do_another(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        async with untouched(rig):
            for act in set(Act) - {Act.CONFIRM_FIRE}:
                with pytest.raises(NotFound):
                    await rig.trading.close(rig.actor(), token, act)


async def test_confirm_pressed_too_late_shows_a_fresh_preview_instead(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        old = await confirm_token(rig, mission)
        rig.clock.advance(60)
        rig.quote("63999.99", "64000.01")
        await rig.trading.sync.reconcile_all()
        outcome = await rig.trading.fire(rig.actor(), old)

        assert isinstance(outcome, Refreshed)
        assert await rig.read(trades.live) == []
        assert isinstance(await rig.trading.fire(rig.actor(), old), Refreshed)
        shown = await preview_of(rig, mission)
        assert shown.token_id is not None
        assert isinstance(await rig.trading.fire(rig.actor(), shown.token_id), Fired)


async def test_confirm_of_a_preview_that_was_replaced_does_not_fire_its_old_terms(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        full = await preview_of(rig, mission)
        half = await preview_of(rig, mission, size="half")
        assert full.token_id is not None
        assert half.token_id is not None
        assert half.quantity < full.quantity

        assert isinstance(await rig.trading.fire(rig.actor(), full.token_id), Refreshed)
        assert await rig.read(trades.live) == []


async def test_confirm_binds_the_terminal_it_showed(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        await rig.trading.database.write(
            lambda unit: unit.connection.exec_driver_sql(
                f"UPDATE terminals SET owner_id = CASE id WHEN 'paper-{ANN}' THEN {TOM} ELSE {ANN} END"
                f" WHERE id IN ('paper-{ANN}', 'paper-{TOM}')"
            )
        )

        assert isinstance(await rig.trading.fire(rig.actor(), token), Refreshed)
        assert await rig.read(trades.live) == []


async def test_confirm_after_losing_the_role_does_not_fire(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        ann = Person(id=ANN, name="Ann", username="ann", role=Role.OBSERVER, zone="UTC", locale="en")
        await rig.trading.database.write(lambda unit: people.save_role(unit, ann, CARL))
        async with untouched(rig):
            presses = (rig.trading.fire(rig.actor(), token) for _ in range(TOO_LATE))
            answers = await asyncio.gather(*presses, return_exceptions=True)

        assert Counter(type(answer) for answer in answers) == {NotAllowed: TOO_LATE}


async def test_ten_thousand_guessed_tokens_hit_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        near = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
        odd = ["", "%", "_" * 22, token[:-1], token + " ", token.swapcase(), "' OR 1=1 --", "\0"]
        guesses = [*near, *odd, *(secrets.token_urlsafe(16) for _ in range(GUESSES - len(near) - len(odd)))]
        async with untouched(rig):
            answers = await asyncio.gather(*(rig.trading.fire(rig.actor(), guess) for guess in guesses), return_exceptions=True)

        assert Counter(type(answer) for answer in answers) == {NotFound: GUESSES}


@asynccontextmanager
async def handling(update_id: int) -> AsyncIterator[None]:
    """Do what happens inside as the handling of an update."""
    token = current_update.set(UpdateTicket(update_id))
    try:
        yield
    finally:
        current_update.reset(token)


async def test_a_replayed_update_has_no_second_effect(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.database.write(lambda unit: updates.store(unit, [(1, "{}")]))
        async with handling(1):
            await rig.trading.preview(rig.actor(), mission.id)
        once = await rig.read(counted)
        for _ in range(100):
            async with handling(1):
                with pytest.raises(AlreadyDone):
                    await rig.trading.preview(rig.actor(), mission.id)
        assert await rig.read(counted) == once
        assert await rig.read(updates.received) == []

        # The twin: without the inbox the replay hands out a second token, and the first button is dead.
        await rig.trading.preview(rig.actor(), mission.id)
        assert (await rig.read(counted))["tokens"] == once["tokens"] + 1


async def test_an_update_delivered_twice_is_stored_once(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        batch = [(update_id, "{}") for update_id in range(1000)]
        assert len(await rig.trading.database.write(lambda unit: updates.store(unit, batch))) == 1000
        assert await rig.trading.database.write(lambda unit: updates.store(unit, batch)) == []


async def test_the_same_update_handled_at_once_by_many_acts_once(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.database.write(lambda unit: updates.store(unit, [(1, "{}")]))

        async def handle() -> None:
            async with handling(1):
                await rig.trading.preview(rig.actor(), mission.id)

        answers = await asyncio.gather(*(handle() for _ in range(20)), return_exceptions=True)

        assert Counter(type(answer) for answer in answers) == {type(None): 1, AlreadyDone: 19}
        assert (await rig.read(counted))["tokens"] == 1


async def test_all_effects_of_one_handling_pass_after_its_first(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.database.write(lambda unit: updates.store(unit, [(1, "{}")]))
        async with handling(1):
            await rig.trading.preview(rig.actor(), mission.id)
            await rig.trading.preview(rig.actor(), mission.id, size="half")

        assert (await rig.read(counted))["tokens"] == 2


async def test_a_refused_act_leaves_its_update_to_be_answered(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(lambda unit: updates.store(unit, [(1, "{}")]))
        async with handling(1):
            with pytest.raises(NotFound):
                await rig.trading.preview(rig.actor(), "4711")

        assert await rig.read(updates.received) == [(1, "{}")]


async def several(rig: Rig, count: int, stop: str) -> list[str]:
    """Return the Confirm tokens of as many missions, each on an instrument of its own."""
    traded = instruments(count)
    rig.trading.instruments.update({each.symbol: each for each in traded})
    await rig.trading.database.write(lambda unit: desk.save_universe(unit, traded))
    found = []
    for each in traded:
        rig.quote("63999.99", "64000.01", each.symbol)
        found.append(await confirm_token(rig, await rig.mission(symbol=each.symbol, stop=stop)))
    return found


async def test_parallel_fires_stop_exactly_at_the_number_of_open_positions(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        waiting = await several(rig, 12, stop="60000")
        pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for token in waiting))

        assert sum(isinstance(outcome, Fired) for outcome in pressed) == 4
        denied = {outcome.check.code for outcome in pressed if isinstance(outcome, Denied)}
        assert denied == {CheckCode.OPEN_POSITIONS}


async def test_parallel_fires_never_commit_more_than_the_free_funds(tmp_path: Path) -> None:
    """Each takes about three tenths of the account: three fit, though the venue has told of none of them yet."""
    async with desk_at(tmp_path) as rig:
        waiting = await several(rig, 4, stop="63200")
        pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for token in waiting))

        assert sum(isinstance(outcome, Fired) for outcome in pressed) == 3
        denied = {outcome.check.code for outcome in pressed if isinstance(outcome, Denied)}
        assert denied == {CheckCode.FREE_FUNDS}
        await rig.settle()
        assert [trade.state for trade in await rig.read(trades.live)] == [TradeState.OPEN] * 3


async def test_twin_that_trusts_the_last_reading_of_the_account_commits_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "committed_since", lambda *_: Decimal(0))
    async with desk_at(tmp_path) as rig:
        waiting = await several(rig, 4, stop="63200")
        pressed = await asyncio.gather(*(rig.trading.fire(rig.actor(), token) for token in waiting))

        assert sum(isinstance(outcome, Fired) for outcome in pressed) == 4
