"""A commander lets a sender in; its alert becomes a card; its record is there for everybody, its switch for commanders."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import aiohttp

from handlers.telegram.views.sources import ADDRESS
from handlers.web.signals import NONCE, SIGNALS, SIGNATURE, SOURCE, TIMESTAMP
from services.domain.signals import Side
from services.domain.sources import Alert, Arrival
from services.signals.intake_auth import Purpose, sign
from services.storage import sources, tables
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, OLGA, ChatRig, desk_in_chat, labels_of, text_of
from tests.web.conftest import free_port

ALERT = {"symbol": "BTCUSDT", "side": "buy", "stop": 63000, "comment": "a <b>level</b> held"}


async def let_in(rig: ChatRig, words: str = "tv") -> str:
    """Let a sender in and return its secret."""
    shown = await rig.ask(CARL, f"/source add {words}", "shown this once")
    found = re.search(r"sig_[A-Za-z0-9_-]{22}", text_of(shown))
    assert found is not None
    return found[0]


def headers_of(rig: ChatRig, secret: str, body: bytes) -> dict[str, str]:
    at, nonce = str(int(rig.clock.now().timestamp())), secrets.token_hex(8)
    return {SOURCE: "tv", TIMESTAMP: at, NONCE: nonce, SIGNATURE: sign(secret, Purpose.SIGNAL, at, nonce, "", body)}


async def test_alert_of_a_sender_becomes_a_card_and_a_record(tmp_path: Path) -> None:
    port = free_port()
    async with desk_in_chat(tmp_path, web={"port": port}, signals={"min_score": 0}) as rig:
        secret, body = await let_in(rig), json.dumps(ALERT).encode()

        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}{SIGNALS}", data=body, headers=headers_of(rig, secret, body)) as answer,
        ):
            assert answer.status == 202
        card = await rig.message(ANN, "LONG BTC/USDT")
        listed = await rig.ask(OLGA, "/sources", "1 alert, 1 offered")
        await rig.press(OLGA, listed, "tv")
        shown = await rig.reads(listed, "Source tv")

        assert "tv (outside)" in text_of(card)
        assert "too few (0)" in text_of(shown)
        assert "Mute" not in str(labels_of(shown))
        for file in (tmp_path / "logs").glob("*"):
            assert secret not in file.read_text(encoding="utf-8")


async def test_commander_mutes_a_source_and_hears_it_again(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path) as rig:
        await let_in(rig, "tv plain")
        card = await rig.ask(CARL, "/sources tv", "shows its secret")

        await rig.press(CARL, card, "Mute")
        await rig.reads(card, "muted by Carl")
        await rig.press(CARL, card, "Hear again")
        await rig.reads(card, "Source tv · active")
        await rig.ask(CARL, "/source remove tv", "tv is removed now")

        assert await rig.journal("source.muted") == await rig.journal("source.heard") == [{"source": "tv"}]
        assert (await rig.journal("source.added", "person:2001"))[0]["source"] == "tv"


async def test_source_whose_calls_lose_is_muted_by_its_record_until_a_commander_hears_it(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path) as rig:
        await let_in(rig)
        least = rig.graph.settings.desk.least_sample
        for n in range(least):
            await rig.write(lambda unit, n=n: _lost_call(rig, unit, n))

        await rig.graph.senders.follow()
        alert = await rig.message(CARL, "SOURCE_MUTED")
        card = await rig.ask(CARL, "/sources tv", "muted")
        assert "at most" in text_of(alert)
        assert f"0 % of {least}" in text_of(card)

        await rig.press(CARL, card, "Hear again")
        await rig.reads(card, "Source tv · active")
        await rig.graph.senders.follow()
        assert (await rig.read(lambda unit: sources.find(unit, "tv"))).state.value == "active"


async def test_secret_is_kept_sealed_and_in_no_message_that_is_stored(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path) as rig:
        secret = await let_in(rig)
        for table in tables.metadata.tables.values():
            rows = await rig.read(lambda unit, table=table: unit.all(table.select()))
            assert secret not in str(rows), table.name


def test_address_in_the_chat_is_the_one_that_is_served() -> None:
    assert ADDRESS == SIGNALS


def _lost_call(rig: ChatRig, unit: Unit, n: int) -> None:
    alert = Alert(symbol="BTCUSDT", side=Side.LONG, stop=None)
    arrival = Arrival(id=f"arrival-{n}", source="tv", key=str(n), digest="", alert=alert, received_at=unit.now)
    sources.add(unit, arrival)
    sources.decide(unit, arrival.id, signal_id=None, drop_code=None, note=None)
    sources.set_result(unit, arrival.id, -1 - rig.graph.settings.intake.floor_r - n % 2)
