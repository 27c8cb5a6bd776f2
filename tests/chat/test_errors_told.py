"""A handler that fails as nobody foresaw: whoever asked reads an error's number and nothing of what failed."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import cycle

import pytest
from sqlalchemy.exc import OperationalError

from handlers.telegram.commands import Where
from handlers.telegram.request import Request
from tests.chat.rig import CARL, GROUP, ChatRig, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD = re.compile(r"Something went wrong here, nothing was done twice\. Error [0-9a-z]{8}")
UNFORESEEN: tuple[Exception, ...] = (
    ValueError("could not read /var/lib/sortie/keys.toml"),
    KeyError("people.role"),
    OperationalError("SELECT name FROM people WHERE id = ?", {"id": CARL}, RuntimeError("disk I/O error")),
    ConnectionError("http://127.0.0.1:8081/bot0000/getMe refused"),
    TypeError("'NoneType' object is not subscriptable"),
    RuntimeError("<b>Traceback</b> (most recent call last)"),
)


async def test_no_command_that_fails_tells_what_failed(flat_desk: ChatRig) -> None:
    rig, errors = flat_desk, cycle(UNFORESEEN)
    await rig.ask(CARL, "/start", "Hello")
    await rig.message(CARL, "First steps")
    specs = rig.graph.table._specs
    honest, wrong = dict(specs), []

    async def fail(_request: Request) -> None:
        raise next(errors)

    try:
        for name, spec in honest.items():
            specs[name] = replace(spec, handler=fail)
            place = GROUP if spec.where is Where.GROUP else CARL
            mark = rig.mark(CARL, place)
            await rig.say(CARL, f"/{name}", place)
            await rig.settled()
            said = [text_of(each) for each in rig.since(mark, CARL, place)]
            if len(said) != 1 or TOLD.fullmatch(said[0]) is None:
                wrong.append(f"/{name}: {said}")
    finally:
        specs.update(honest)

    assert not wrong, "\n".join(wrong)
