"""Ten thousand bodies of a known sender: none makes the desk fail, and none is let in that says nothing sound."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from handlers.web.signals import NONCE, SIGNATURE, SOURCE, TIMESTAMP
from services.domain.sources import TurnedAway
from services.storage import tables
from tests.intake.rig import GOOD, Answer, IntakeRig, Sender, intake_at

BODIES, OVER_HTTP, SEED = 10_000, 150, 20261122
NASTY: tuple[Any, ...] = (
    None, True, False, "", " ", "\x00", "NaN", "Infinity", "-1", "1e400", "0", "9" * 400, "๓", "²", "½", "\ud800", "‮64000",
    -1, 0, 10**30, 1e308, 5e-324, [], {}, [[]], {"a": 1}, ["buy"], "buy;drop table signals", "{{close}}", "../../etc/passwd",
    "<b>&", "1,2,3,4,5", [1, 2, 3, 4, 5], "1_000", "0x10", "1.0.0", "64000,5", "\N{FULLWIDTH DIGIT SIX}4000", "nan", "1e5",
)  # fmt: skip
BYTES = b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nSortie-Source: tv\r\nSortie-Nonce: \xff\xfe\r\nSortie-Signature: \xff\r\n"
CHUNKED = b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
NAMES = ("symbol", "side", "entry", "stop", "stop_percent", "targets", "target_percents", "timeframe", "score", "lasts_s")
MORE = ("comment", "time", "id", "dry", "source", "secret", "leverage", "__class__", "Symbol", "SIDE", "size")
SOUND_VALUES = {
    "symbol": lambda v: isinstance(v, str) and v.strip().isascii() and any(c.isalpha() for c in v),
    "side": lambda v: isinstance(v, str) and v.strip().lower() in ("buy", "sell", "long", "short"),
    "entry": lambda v: positive(v),
    "stop": lambda v: positive(v),
    "stop_percent": lambda v: positive(v) and float(v) < 100,
    "score": lambda v: number(v) and 0 <= float(v) <= 100,
    "lasts_s": lambda v: number(v) and 10 <= float(v) <= 604_800,
}


def number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    text = str(value).strip()
    return text.isascii() and text.replace(".", "", 1).replace("e+", "", 1).isdigit()


def positive(value: Any) -> bool:
    return number(value) and float(value) > 0


def is_sound(body: bytes) -> bool:
    """Judge a JSON body by a reading of its own; what no JSON reader takes is not sound."""
    pairs: list[str] = []

    def once(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs.extend(name for name, _ in found)
        return dict(found)

    try:
        told = json.loads(body.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or len(set(pairs)) != len(pairs):
        return False
    needed = told.get("symbol") is not None and told.get("side") is not None
    stops = (told.get("stop") is None) != (told.get("stop_percent") is None)
    known = set(told) <= {*NAMES, *MORE[:6], "ticker", "action", "price", "sl", "tp", "interval", "expires_s"}
    return (
        needed
        and stops
        and known
        and all(fits(told[name]) for name, fits in SOUND_VALUES.items() if told.get(name) is not None)
    )


def bodies(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    makers: tuple[Callable[[random.Random], bytes], ...] = (
        _noise,
        _cut,
        _flipped,
        _nasty,
        _nasty,
        _mixed,
        _deep,
        _twice,
        _words,
    )
    return [chance.choice(makers)(chance) for _ in range(BODIES)]


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(0, 200))


def _good() -> bytes:
    return json.dumps(GOOD).encode()


def _cut(chance: random.Random) -> bytes:
    whole = _good()
    return whole[: chance.randrange(len(whole))]


def _flipped(chance: random.Random) -> bytes:
    body = bytearray(_good())
    for _ in range(chance.randrange(1, 4)):
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return bytes(body)


def _nasty(chance: random.Random) -> bytes:
    changed = {chance.choice((*NAMES, *MORE)): chance.choice(NASTY) for _ in range(chance.randrange(1, 3))}
    return json.dumps(GOOD | changed).encode()


def _mixed(chance: random.Random) -> bytes:
    names = chance.sample((*NAMES, *MORE), chance.randrange(0, 8))
    return json.dumps({name: chance.choice((*NASTY, *GOOD.values())) for name in names}).encode()


def _deep(chance: random.Random) -> bytes:
    depth = chance.randrange(1, 8000)
    return chance.choice((b"[" * depth, b'{"a":' * min(depth, 3000), b"[" * depth + b"]" * depth))


def _twice(chance: random.Random) -> bytes:
    name = chance.choice(list(GOOD))
    return _good()[:-1] + f',"{name}":{json.dumps(GOOD[name])}}}'.encode()


def _words(chance: random.Random) -> bytes:
    words = [chance.choice(("BTCUSDT", "buy", "=", "stop=", "stop=x", "side=up", "tp=1,,2", "sl==1", "a=b", "\x00", "🚀"))]
    words += [str(chance.choice(NASTY)) for _ in range(chance.randrange(0, 5))]
    return chance.choice((" ", "\n", ";")).join(words).encode(errors="replace")


MAKERS: tuple[Callable[[random.Random], bytes], ...] = (
    _noise,
    _cut,
    _flipped,
    _nasty,
    _nasty,
    _mixed,
    _deep,
    _twice,
    _words,
)


async def deliver(rig: IntakeRig, sender: Sender, body: bytes, number_of: int) -> Answer:
    headers = rig.signed(sender, body)
    return await (rig.post(body, headers) if number_of < OVER_HTTP else rig.hand_over(body, headers))


async def test_ten_thousand_bodies_make_no_failure_and_no_unsound_signal(tmp_path: Path) -> None:
    async with intake_at(tmp_path, intake={"per_minute": 6000, "repeat_s": 0}) as rig:
        sender, let_in, wrong = await rig.source(), set[str](), list[bytes]()
        turned: dict[str, int] = {}
        with structlog.testing.capture_logs() as said:
            for n, body in enumerate(bodies(SEED)):
                rig.clock.advance(0.02)
                answer = await deliver(rig, sender, body, n)
                if answer.status in (200, 202):
                    let_in |= {str(answer.told["id"])} if answer.status == 202 else set()
                    wrong += [body] if not is_sound(body) else []
                else:
                    turned[answer.code] = turned.get(answer.code, 0) + 1
                    wrong += [body] if answer.status >= 500 or answer.code not in set(TurnedAway) else []
        await rig.senders.follow()
        while await rig.senders.work():
            rig.clock.advance(61)

        assert wrong == []
        assert set(turned) == {"MALFORMED", "KEY_REUSED"}
        assert 50 < len(let_in) < BODIES / 2
        assert {row.id for row in await rig.rows(tables.arrivals)} == let_in
        assert [each for each in said if each["event"] != "journal.written"] == []
        assert await rig.count(tables.source_counts) <= len(TurnedAway) + 1
        offered = [row for row in await rig.rows(tables.signals) if row.drop_code is None]
        assert all(row.stop < row.entry_low <= row.entry_high for row in offered if row.side == "long")


async def test_strangers_leave_nothing_behind_however_much_they_send(rig: IntakeRig) -> None:
    await rig.source()
    before = await rig.everything()
    with structlog.testing.capture_logs() as said:
        for body in bodies(SEED + 1)[:500]:
            answer = await rig.hand_over(body, rig.signed(Sender("tv", "sig_" + "x" * 22), body))
            assert answer.code == "NOT_KNOWN"
    await rig.senders.follow()

    assert said == []
    assert await rig.everything() == before


async def test_headers_of_any_bytes_are_turned_away_without_a_failure(rig: IntakeRig) -> None:
    sender, chance, body = await rig.source(), random.Random(SEED), _good()
    parts = ("", "tv", "\udcff", "\x00", "9" * 10, "²" * 10, "sha256=", "é" * 70, "a" * 64, "../..")
    with structlog.testing.capture_logs() as said:
        for _ in range(1000):
            headers = rig.signed(sender, body) | {chance.choice((SOURCE, TIMESTAMP, NONCE, SIGNATURE)): chance.choice(parts)}
            answer = await rig.hand_over(body, headers)
            assert answer.status == 401 or (headers[SOURCE] == "tv" and answer.status == 202), (headers, answer)

    assert [each for each in said if each["event"] != "journal.written"] == []
    assert b" 401 " in (await rig.raw(BYTES + b"Content-Length: 2\r\n\r\n{}")).splitlines()[0]
    assert b" 400 " in (await rig.raw(CHUNKED + b"\r\nzz\r\n")).splitlines()[0]


async def test_judge_of_this_test_tells_sound_from_unsound() -> None:
    assert is_sound(_good())
    for changed in ({"side": "up"}, {"stop": -1}, {"stop": None}, {"stop_percent": 2}, {"leverage": 3}, {"entry": "nan"}):
        assert not is_sound(json.dumps(GOOD | changed).encode())
