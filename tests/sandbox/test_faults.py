"""Faults as rules: which calls they hit, how often, and what is left of the call."""

from __future__ import annotations

import json

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram.api import BotApi
from sandbox.telegram.faults import KINDS
from sandbox.telegram.world import ANN, CARL, World


def test_storm_refuses_without_effect_for_its_time(world: World, api: BotApi, clock: ManualClock) -> None:
    world.faults.switch_on("too_many", retry_after=7, seconds=10)
    answer = api.call("sendMessage", {"chat_id": ANN, "text": "x"})
    clock.advance(10)

    assert (answer.status, json.loads(answer.body)["parameters"]) == (429, {"retry_after": 7})
    assert api.call("sendMessage", {"chat_id": ANN, "text": "y"}).status == 200
    assert world.transcript(ANN) == "1 Sortie: y"


@pytest.mark.parametrize("kind", ["lost_reply", "reset_after", "half_body", "delay"])
def test_fault_after_the_call_leaves_its_effect(world: World, api: BotApi, kind: str) -> None:
    world.faults.switch_on(kind, count=1)
    answer = api.call("sendMessage", {"chat_id": ANN, "text": "x"})

    assert answer.fault is not None
    assert answer.fault.kind == kind
    assert world.transcript(ANN) == "1 Sortie: x"
    assert api.call("sendMessage", {"chat_id": ANN, "text": "y"}).fault is None


@pytest.mark.parametrize("kind", ["reset_before", "server_error", "outage", "too_many"])
def test_fault_before_the_call_leaves_none(world: World, api: BotApi, kind: str) -> None:
    world.faults.switch_on(kind, count=1)
    answer = api.call("sendMessage", {"chat_id": ANN, "text": "x"})

    assert answer.status == (429 if kind == "too_many" else 502)
    assert world.transcript(ANN) == ""


def test_faults_choose_by_method_chat_and_text(world: World, api: BotApi) -> None:
    world.faults.switch_on("server_error", method="editmessagetext", status=500)
    world.faults.switch_on("too_many", chat_id=CARL)
    world.faults.switch_on("lost_reply", contains="filled")

    def fault_of(method: str, **parameters: object) -> str | None:
        fault = api.call(method, parameters).fault
        return fault.kind if fault else None

    assert fault_of("sendMessage", chat_id=ANN, text="x") is None
    assert fault_of("sendMessage", chat_id=str(CARL), text="x") == "too_many"
    assert fault_of("sendMessage", chat_id=ANN, text="filled 3") == "lost_reply"
    assert fault_of("editMessageText", chat_id=ANN, message_id=1, text="x") == "server_error"
    assert {fault.kind: fault.fired for fault in world.faults.active()} == {
        "server_error": 1, "too_many": 1, "lost_reply": 1,
    }  # fmt: skip


def test_polls_are_spared_unless_named(world: World, api: BotApi) -> None:
    world.faults.switch_on("too_many")
    spared = api.call("getUpdates").status
    world.faults.switch_off()
    world.faults.switch_on("too_many", method="*")

    assert (spared, api.call("getUpdates").status) == (200, 429)


def test_switching_off_one_or_all(world: World) -> None:
    one = world.faults.switch_on("delay")
    world.faults.switch_on("lost_reply")
    world.faults.switch_off(one.id)
    left = [fault.kind for fault in world.faults.active()]
    world.faults.switch_off()

    assert left == ["lost_reply"]
    assert world.faults.active() == []


@pytest.mark.parametrize("wrong", [{"kind": "flood"}, {"kind": "delay", "count": 0}, {"kind": "server_error", "status": 200}])
def test_wrong_faults_are_refused(world: World, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        world.faults.switch_on(**wrong)  # type: ignore[arg-type]


def test_every_kind_can_be_switched_on(world: World) -> None:
    for kind in KINDS:
        world.faults.switch_on(kind, count=1)

    assert [fault.kind for fault in world.faults.active()] == list(KINDS)
