"""Updates: offsets, kinds, duplicates, replays, and what a webhook has to do with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Refused
from sandbox.telegram.world import ANN, World


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


def test_unconfirmed_updates_come_again_and_ids_rise_by_one(world: World, api: BotApi) -> None:
    for text in "abc":
        world.say(ANN, text)
    first = api.result("getUpdates")

    assert texts(first) == ["a", "b", "c"]
    assert api.result("getUpdates") == first
    ids = [update["update_id"] for update in first]
    assert ids == list(range(ids[0], ids[0] + 3))
    assert texts(api.result("getUpdates", {"offset": ids[1]})) == ["b", "c"]
    assert api.result("getUpdates", {"offset": ids[2] + 1}) == []
    assert api.result("getUpdates") == []


def test_limit_cuts_and_negative_offset_keeps_the_last(world: World, api: BotApi) -> None:
    for text in "abcd":
        world.say(ANN, text)

    assert texts(api.result("getUpdates", {"limit": 2})) == ["a", "b"]
    assert texts(api.result("getUpdates", {"offset": -2})) == ["c", "d"]
    assert texts(api.result("getUpdates")) == ["c", "d"]
    assert texts(api.result("getUpdates", {"offset": -9})) == ["c", "d"]


def test_allowed_kinds_are_remembered_and_applied_when_an_update_is_made(world: World, api: BotApi) -> None:
    sent = api.result("sendMessage", {
        "chat_id": ANN, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]},
    })  # fmt: skip
    api.result("getUpdates", {"allowed_updates": ["callback_query"]})
    world.say(ANN, "not wanted")
    world.tap(ANN, ANN, sent["message_id"], "go")
    kinds = [set(update) - {"update_id"} for update in api.result("getUpdates")]
    api.result("getUpdates", {"allowed_updates": []})
    world.say(ANN, "wanted")

    assert kinds == [{"callback_query"}]
    assert len(api.result("getUpdates")) == 2


def test_updates_are_kept_for_a_day(world: World, api: BotApi, clock: ManualClock) -> None:
    world.say(ANN, "old")
    clock.advance(24 * 3600 - 1)
    world.say(ANN, "new")
    clock.advance(2)

    assert texts(api.result("getUpdates")) == ["new"]


def test_duplicated_reordered_and_replayed(world: World, api: BotApi) -> None:
    for text in "ab":
        world.say(ANN, text)
    world.updates.duplicate_next()
    doubled = api.result("getUpdates")
    world.updates.reorder_next()
    turned = api.result("getUpdates")
    last = turned[0]["update_id"]
    api.result("getUpdates", {"offset": last + 1})
    world.updates.replay(last)

    assert texts(doubled) == ["a", "a", "b", "b"]
    assert doubled[0]["update_id"] == doubled[1]["update_id"]
    assert texts(turned) == ["b", "a"]
    assert texts(api.result("getUpdates")) == ["b"]
    assert api.result("getUpdates") == []
    with pytest.raises(KeyError):
        world.updates.replay(1)


def test_faults_on_updates_fire_only_on_batches_that_hold_any(world: World, api: BotApi) -> None:
    world.faults.switch_on("duplicate_updates", count=1)
    assert api.result("getUpdates") == []
    world.say(ANN, "a")

    assert texts(api.result("getUpdates")) == ["a", "a"]
    assert texts(api.result("getUpdates")) == ["a"]
    assert world.faults.fired == {"duplicate_updates": 1}


def test_polling_is_refused_while_a_webhook_is_set(world: World, api: BotApi) -> None:
    api.result("setWebhook", {"url": "http://127.0.0.1:9/hook", "allowed_updates": ["message"], "max_connections": 3})
    world.say(ANN, "x")

    with pytest.raises(Refused) as refusal:
        api.result("getUpdates")
    assert refusal.value.code == 409
    assert refusal.value.description == (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
    assert api.result("getWebhookInfo") == {
        "url": "http://127.0.0.1:9/hook", "has_custom_certificate": False, "pending_update_count": 1,
        "max_connections": 3, "allowed_updates": ["message"],
    }  # fmt: skip
    assert api.result("deleteWebhook", {"drop_pending_updates": True}) is True
    assert api.result("getUpdates") == []


def test_update_is_a_snapshot_of_its_moment(world: World, api: BotApi) -> None:
    said = world.say(ANN, "before")
    world.edit_own(ANN, ANN, said.message_id, "after")
    first, second = api.result("getUpdates")

    assert first["message"]["text"] == "before"
    assert second["edited_message"]["text"] == "after"
    assert second["edited_message"]["edit_date"] == world.now()


def test_answer_of_a_poll_is_one_json_text(world: World, api: BotApi) -> None:
    world.say(ANN, 'quote " and 😀')

    assert texts(json.loads(api.call("getUpdates").body)["result"]) == ['quote " and 😀']
