"""No request crashes the server: whatever comes, it answers ok or refuses, and its state stays readable."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.clock import ManualClock
from sandbox.page import view
from sandbox.telegram.api import UNSERVED_PARAMETERS, BotApi
from sandbox.telegram.messages import from_row, to_row
from sandbox.telegram.table import published
from sandbox.telegram.world import ANN, CARL, DESK, TOM, World

from .conftest import BOT_ID
from .pictures import picture

BUTTON = {"text": "Go", "callback_data": "go"}
VALUES: dict[str, list[Any]] = {
    "chat_id": [ANN, DESK, ANN, DESK, TOM, str(CARL), "@x", -5_000_000_001],
    "from_chat_id": [ANN, DESK],
    "message_id": [1, 2, 3, 6, 7],
    "message_ids": [[1], [1, 2, 3], [3, 1], "[1,2]"],
    "text": ["hello", "<b>x</b>", "*x*", "😀 /go", ""],
    "caption": ["note", "<i>x</i>", ""],
    "parse_mode": ["HTML", "MarkdownV2", "none"],
    "message_thread_id": [2, 3, 99],
    "name": ["Audit", ""],
    "photo": ["attach://part", "nonsense"],
    "document": ["attach://part"],
    "media": [
        {"type": "photo", "media": "attach://part"},
        [{"type": "photo", "media": "attach://part"}] * 2,
        [{"type": "document", "media": "x"}] * 3,
    ],
    "reply_markup": [
        {"inline_keyboard": [[BUTTON]]},
        {"inline_keyboard": []},
        {"inline_keyboard": [[]]},
        {"keyboard": [[{"text": "Yes"}]]},
        {"remove_keyboard": True},
        {"force_reply": True},
        "{}",
    ],
    "reply_parameters": [{"message_id": 1}, {"message_id": 1, "quote": "hello"}, {"ephemeral_message_id": 1}],
    "ephemeral_message_parameters": [{"receiver_user_id": ANN}, {"receiver_user_id": 5}],
    "receiver_user_id": [ANN, TOM],
    "ephemeral_message_id": [1, 2],
    "entities": [[{"type": "bold", "offset": 0, "length": 3}], [{"type": "text_mention", "offset": 0, "length": 1}]],
    "commands": [[{"command": "go", "description": "x"}], []],
    "scope": [{"type": "chat", "chat_id": DESK}, {"type": "chat_member", "chat_id": ANN, "user_id": ANN}],
    "action": ["typing", "dance"],
    "user_id": [ANN, 5, BOT_ID],
    "offset": [-1, 0, 5],
    "url": ["", "http://127.0.0.1:9/"],
    "menu_button": [{"type": "commands"}, {"type": "web_app", "text": "x", "web_app": {"url": "https://a.b"}}],
}
METHODS = sorted(set(published().methods) - {"logOut"}) + ["sendMessage", "sendPhoto", "editMessageText", "copyMessage"] * 3
ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.just([]), st.just({}), st.just("[]"))


ALWAYS = {"chat_id", "message_id", "text"}
BY_SHAPE = {"Boolean": [True, "false"], "Integer": [1, "2"], "String": ["x", "en"]}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a call of which most parts are usual ones, so that it often succeeds."""
    method = draw(st.sampled_from(METHODS))
    parameters = {}
    for name, field in published().methods[method].items():
        usual = VALUES.get(name, BY_SHAPE.get(str(field.shape), []))
        if name in UNSERVED_PARAMETERS or not usual or not (field.required or name in ALWAYS or draw(st.integers(0, 3)) == 3):
            continue
        parameters[name] = draw(ODD) if draw(st.integers(0, 19)) == 19 else draw(st.sampled_from(usual))
    return method, parameters


@settings(max_examples=250, deadline=None)
@given(st.lists(calls(), min_size=1, max_size=20))
def test_no_sequence_of_calls_crashes_the_server(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    world = World(clock=ManualClock(), bot_id=BOT_ID, started=(ANN, CARL), limits_on=False)
    api = BotApi(world)
    world.say(ANN, "hello")
    for chat_id in (ANN, DESK):
        api.result("sendMessage", {"chat_id": chat_id, "text": "card"})
        api.result("sendPhoto", {"chat_id": chat_id}, {"photo": picture()})
    api.result("sendMessage", {"chat_id": DESK, "text": "psst", "ephemeral_message_parameters": {"receiver_user_id": ANN}})
    for method, parameters in sequence:
        uploads = {"part": picture()} if "attach://part" in json.dumps(parameters) else {}
        answer = api.call(method, parameters, uploads)
        body = json.loads(answer.body)

        assert body["ok"] == (answer.status == 200)
        assert body["ok"] or body["error_code"] == answer.status
    for chat_id in world.chats:
        world.transcript(chat_id)
        for message in world.messages.get(chat_id, {}).values():
            view.message(world, message)
            assert from_row(json.loads(json.dumps(to_row(message)))) == message
