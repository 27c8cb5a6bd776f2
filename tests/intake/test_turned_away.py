"""Nobody gets an alert in who is not let in: forged, replayed, late, too often, too large, or no alert at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from handlers.web.signals import SIGNALS, SIGNATURE, SOURCE
from services.domain.sources import SourceState
from services.signals import intake, intake_auth
from services.storage import sources, tables
from tests.intake.attacks import ATTACKS, BODY, replay, stamp_anew
from tests.intake.rig import GOOD, SHELL, IntakeRig, Sender, intake_at


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_attack_does_not_get_through(rig: IntakeRig, attack: Callable[[IntakeRig, Sender], Awaitable[bool]]) -> None:
    sender = await rig.source()

    assert not await attack(rig, sender)
    await rig.work()
    assert await rig.count(tables.missions) == (attack is replay)


async def test_without_a_store_of_nonces_a_replay_would_get_through(rig: IntakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "use_nonce", lambda unit, source, nonce, forget_before: True)

    assert await replay(rig, await rig.source())


async def test_with_a_signature_that_leaves_the_time_out_an_old_request_would_get_through(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = intake_auth.sign

    def timeless(secret: str, purpose: intake_auth.Purpose, timestamp: str, nonce: str, key: str, body: bytes) -> str:
        return whole(secret, purpose, "", "", key, body)

    monkeypatch.setattr(intake_auth, "sign", timeless)
    monkeypatch.setattr("tests.intake.rig.sign", timeless)

    assert await stamp_anew(rig, await rig.source())


@pytest.mark.parametrize("ago", [-62, 62])
async def test_clock_that_is_off_is_turned_away_either_way(rig: IntakeRig, ago: float) -> None:
    answer = await rig.send(await rig.source(), GOOD, ago=ago)

    assert (answer.status, answer.code) == (401, "CLOCK")


async def test_unknown_source_and_wrong_secret_get_one_answer(rig: IntakeRig) -> None:
    signs, shows = await rig.source("signs"), await rig.source("shows", plain=True)
    gone = await rig.source("gone", plain=True)
    await rig.senders.acts.switch(SHELL, "gone", SourceState.REMOVED)
    wrong = [
        await rig.post(BODY, path=f"{SIGNALS}/nobody/{shows.secret}"),
        await rig.post(BODY, path=f"{SIGNALS}/shows/{signs.secret}"),
        await rig.post(BODY, path=f"{SIGNALS}/signs/{signs.secret}"),
        await rig.post(BODY, path=f"{SIGNALS}/gone/{gone.secret}"),
        await rig.send(gone, GOOD),
        await rig.post(BODY, rig.signed(signs, BODY) | {SOURCE: "nobody"}),
        await rig.post(BODY, rig.signed(signs, BODY) | {SIGNATURE: "sha256="}),
        await rig.post(json.dumps(GOOD | {"source": "shows", "secret": "x"}).encode()),
    ]

    assert {(answer.status, answer.text) for answer in wrong} == {(401, wrong[0].text)}
    assert wrong[0].code == "NOT_KNOWN"
    assert await rig.count(tables.arrivals) == 0


async def test_secret_that_does_not_open_lets_nobody_in(rig: IntakeRig, tmp_path: Path) -> None:
    sender = await rig.source()
    (tmp_path / "venue-keys.master").unlink()

    assert (await rig.send(sender, GOOD)).code == "NOT_KNOWN"


async def test_source_that_sends_too_often_waits_and_another_does_not(tmp_path: Path) -> None:
    async with intake_at(tmp_path, intake={"per_minute": 2}) as rig:
        often, other = await rig.source("often"), await rig.source("other")

        codes = [(await rig.send(often, GOOD, key=str(n))).status for n in range(3)]
        rig.clock.advance(30)

        assert codes == [202, 202, 429]
        assert (await rig.send(other, GOOD)).status == 202
        assert (await rig.send(often, GOOD, key="later")).status == 202


async def test_what_is_no_alert_at_all_is_answered_with_a_code(rig: IntakeRig) -> None:
    sender = await rig.source()
    large = json.dumps(GOOD | {"comment": "x" * 20_000}).encode()
    answers = [
        await rig.post(large, rig.signed(sender, large)),
        await rig.post(gzip.compress(BODY), rig.signed(sender, BODY) | {"Content-Encoding": "gzip"}),
        await rig.post(BODY),
        await rig.post(b"{"),
        await rig.post(BODY, path="/v1/signals/"),
        await rig.post(BODY, path="/v1/signals/tv"),
        await rig.send(sender, b"[]"),
    ]
    async with rig.session.get(rig.url + SIGNALS) as asked:
        answers_to_get = (asked.status, asked.headers["Allow"])

    assert [(each.status, each.code) for each in answers] == [
        (413, "TOO_LARGE"),
        (415, "ENCODED"),
        (401, "NOT_SIGNED"),
        (422, "MALFORMED"),
        (404, "NO_PATH"),
        (404, "NO_PATH"),
        (422, "MALFORMED"),
    ]
    assert answers_to_get == (405, "POST")


async def test_what_was_turned_away_is_a_number_and_no_row(rig: IntakeRig) -> None:
    sender = await rig.source()
    for n in range(20):
        await rig.send(sender, GOOD | {"side": f"up{n}"})
    await rig.senders.follow()

    assert [(row.code, row.n) for row in await rig.rows(tables.source_counts)] == [("MALFORMED", 20)]
    assert await rig.count(tables.arrivals) == 0


async def test_nonces_are_forgotten_when_their_time_could_not_pass_any_more(rig: IntakeRig) -> None:
    sender = await rig.source()
    for n in range(3):
        await rig.send(sender, GOOD, key=str(n))
        rig.clock.advance(2 * rig.desk.settings.intake.skew_s + 31)

    assert await rig.count(tables.nonces) == 1


async def test_more_at_once_than_the_desk_takes_is_told_to_come_again(rig: IntakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await rig.source()
    monkeypatch.setattr(intake, "MOST_UNDER_WAY", 0)

    assert (await rig.send(sender, GOOD)).code == "BUSY"
