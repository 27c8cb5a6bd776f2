"""Stopped, killed and started again on the same folder: the chat goes on where it was."""

from __future__ import annotations

from pathlib import Path

from sandbox.telegram.messages import shown_id
from services.domain.people import Actor
from services.domain.states import UpdateState
from services.storage import outbox, tables, updates
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, CORA, GROUP, OLGA, TOM, ChatRig, Sandboxed, chat_desk, data_of, sandboxed, text_of


async def test_cards_previews_and_confirm_go_on_in_place_after_a_restart(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            preview = await rig.preview(ANN)
            mission = await rig.message(OLGA, "score 70", GROUP)
            open_card = await rig.trade(TOM, symbol="ETH/USDT", stop="3100")
            await rig.settled()
        assert text_of(rig.seen(CARL)[-1]).startswith("Sortie stops now")

        async with chat_desk(tmp_path, box) as rig:
            toast = await rig.press(ANN, preview, "Confirm")
            assert toast.startswith("Approved as trade #")
            await rig.reads(preview, "at the venue")
            await rig.reads(mission, "Ann fired, filled")

            await rig.press(TOM, open_card, "Close")
            await rig.press(TOM, await rig.reads(open_card, "at market?"), "Close")
            await rig.reads(open_card, "closed at market")
            assert sum("LONG BTC/USDT · 1m" in text_of(message) for message in rig.seen(ANN)) == 1


async def test_a_preview_that_outlived_its_minute_over_a_restart_refreshes_in_place(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            preview = await rig.preview(ANN)
            await rig.settled()
        async with chat_desk(tmp_path, box) as rig:
            await rig.forward(seconds=90)
            assert (await rig.press(ANN, preview, "Confirm")).startswith("Refreshed")
            await rig.reads(preview, "this preview was too old")


async def leave_unhandled(rig: ChatRig, box: Sandboxed) -> None:
    """Put what people just sent where a killed process leaves it: stored and confirmed, but not handled."""
    pending = box.world.updates.first(100)
    rows = [(update.id, update.text) for update in pending]
    await rig.write(lambda unit: updates.store(unit, rows))
    box.world.updates.confirm_below(box.world.updates.last_id + 1, box.world.clock.now())


async def test_what_a_crash_cut_off_is_told_once_reads_run_again_and_a_halt_always_does(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            preview = await rig.preview(ANN)
            await rig.ask(CARL, "/whoami", "carl-paper")
            await rig.settled()
            await rig.graph.stop_intake(1)
            rig.world.press(ANN, ANN, data_of(preview, "Confirm"), shown_id(preview))
            rig.world.say(ANN, "/call ETHUSDT long sl 3100")
            rig.world.say(CARL, "/disable trend")
            rig.world.say(TOM, "/whoami")
            rig.world.say(CORA, "/halt the wheel came off")
            await leave_unhandled(rig, box)
        marks = {person: rig.mark(person) for person in (ANN, TOM, CARL, CORA)}

        async with chat_desk(tmp_path, box) as rig:
            told = await rig.message(ANN, "interrupted by a restart", after=marks[ANN])
            assert "a button" in text_of(told) and "/call ETHUSDT long sl 3100" in text_of(told)
            assert "/disable trend" in text_of(await rig.message(CARL, "interrupted by a restart", after=marks[CARL]))
            await rig.message(TOM, "tom-paper", after=marks[TOM])
            await rig.message(TOM, "🛑 HALTED by Cora", after=marks[TOM])
            await rig.settled()

            assert sum("interrupted" in text_of(message) for message in rig.since(marks[ANN], ANN)) == 1
            assert not await rig.trades_of(ANN)
            assert not await rig.journal("strategy.disabled")
            unfinished = tables.updates.select().where(tables.updates.c.state == UpdateState.RECEIVED.value)
            await rig.until(lambda: everything_ended(rig, unfinished), "every update has an end")


async def test_a_command_whose_answer_a_crash_cut_off_is_told_once_and_not_carried_out_again(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            await rig.ask(CARL, "/halt the wheel came off", "HALTED by")
            await rig.settled()
            await rig.graph.stop_intake(1)
            rig.world.say(TOM, "/halt me too")
            await leave_unhandled(rig, box)
            # What its write unit leaves: the effect and the mark together, and then the process is gone.
            acted = tables.updates.update().where(tables.updates.c.state == UpdateState.RECEIVED.value)
            await rig.write(lambda unit: unit.run(acted.values(state=UpdateState.ACTED.value)))
            throws = len(await rig.journal("halt.halted"))
        mark = rig.mark(TOM)

        async with chat_desk(tmp_path, box) as rig:
            told = text_of(await rig.message(TOM, "but carried out", after=mark))
            assert "/halt me too" in told and "interrupted by a restart" in told
            await rig.settled()
            assert len(await rig.journal("halt.halted")) == throws
        mark = rig.mark(TOM)

        async with chat_desk(tmp_path, box) as rig:
            await rig.settled()
            assert not any("but carried out" in text_of(message) for message in rig.since(mark, TOM))


async def test_an_answered_command_is_not_told_again(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            await rig.ask(TOM, "/stop lunch", "Your entries are stopped")
            open_rows = tables.updates.select().where(tables.updates.c.state == UpdateState.ACTED.value)
            await rig.until(lambda: everything_ended(rig, open_rows), "the answer is noted")
        async with chat_desk(tmp_path, box) as rig:
            await rig.settled()

            assert rig.newest(TOM, "but carried out") is None


async def everything_ended(rig: ChatRig, unfinished: object) -> bool:
    return not await rig.read(lambda unit: unit.all(unfinished))


async def test_messages_that_an_outage_kept_back_are_sent_after_the_restart(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            card = await rig.trade(ANN)
            await rig.settled()
            outage = box.world.faults.switch_on("outage")

            def halt_like(unit: Unit) -> None:
                outbox.tell(unit, ANN, "reminder", {"mission": 1, "symbol": "BTC/USDT", "code": "SPREAD"})
                unit.record(Actor.job("test", "test"), "test.told")

            await rig.write(halt_like)
        box.world.faults.switch_off(outage.id)
        assert rig.newest(ANN, "Reminder") is None

        async with chat_desk(tmp_path, box) as rig:
            await rig.message(ANN, "Reminder", after=shown_id(card))
            await rig.message(CARL, "Sortie stops now")


async def test_a_mission_that_ended_while_the_desk_was_away_is_not_offered_as_open(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box) as rig:
            mission = await rig.mission(lasts=60)
            card = await rig.card(mission, ANN)
            await rig.settled()
        async with chat_desk(tmp_path, box) as rig:
            await rig.forward(seconds=61)
            await rig.reads(card, "expired")
            assert (await rig.forge(ANN, ANN, f"m:fire:{mission.id}:", shown_id(card))) != ""
            assert not await rig.trades_of(ANN)
