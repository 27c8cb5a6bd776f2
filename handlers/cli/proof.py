"""``sortie proof`` and ``sortie replay``: what a verdict was made of, its hash, and the gate asked again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import NotFound, SortieError
from services.domain.ports import Clock
from services.domain.proofs import Proof, read_document, write_document
from services.domain.verdicts import Check
from services.operations.places import shell_database
from services.reporting.proof_record import ProofRecord, find_record
from services.risk.recorded import NotRecorded
from services.risk.replaying import Difference, Replay, replay
from services.storage.database import Unit
from services.storage.verdicts import load_checks

HOLDS, DIFFERS, NOT_READ = 0, 1, 2
LARGEST_FILE = 1 << 22
_SHORT = re.compile(r"([0-9a-f]{4,64})(?:(?:…|\.\.\.?)([0-9a-f]{2,60}))?")


def show_proof(settings: Settings, clock: Clock, reference: str, *, json: bool) -> int:
    """Print a verdict's proof: every rule with value and limit, and its hash; as JSON the file that can be checked alone."""

    def show(record: ProofRecord) -> int:
        if json:
            say_json(write_document(record.proof))
            return HOLDS
        _print_record(record)
        return HOLDS if record.holds or record.shown else DIFFERS

    return _about(settings, clock, reference, show)


def is_hash(text: str) -> bool:
    """Tell whether a text is a hash, in full or as it is shown."""
    return _SHORT.fullmatch(text.strip().lower()) is not None


def verify_proof(settings: Settings, clock: Clock, reference: str, *, digest: str | None) -> int:
    """Recompute a proof's hash from the rows, and hold it against what was journalled, and against one that is given."""

    def verify(record: ProofRecord) -> int:
        say(f"sha256   {record.proof.digest}")
        if record.shown:
            say("journal  no row names what a preview shows: --hash holds it against what was read there")
        elif record.row is None:
            say("journal  no row names this verdict: it is of a desk that journalled none, or its row is gone")
        else:
            same = "the same" if record.journalled == record.proof.digest else f"ANOTHER, {record.journalled}"
            say(f"journal  row {record.row} says {same}" + ("" if record.sound else ", and that row was CHANGED"))
        given = _is_given(record.proof.digest, digest)
        if digest is not None:
            say(f"given    {'the same' if given else 'ANOTHER'}")
        holds = digest is not None if record.shown else record.holds
        return HOLDS if holds and given else DIFFERS

    return _about(settings, clock, reference, verify)


def verify_file(file: Path, *, digest: str | None) -> int:
    """Recompute a proof's hash from its file alone, and hold it against one that is given."""
    proof = _read(file)
    if proof is None:
        return NOT_READ
    given = _is_given(proof.digest, digest)
    say(f"sha256   {proof.digest}")
    say(f"values   {'have this hash' if proof.holds else 'have ANOTHER hash: the file was changed'}")
    if not given:
        say("given    ANOTHER: this is not the proof that was shown")
    return HOLDS if proof.holds and given else DIFFERS


def _is_given(found: str, digest: str | None) -> bool:
    known = _SHORT.fullmatch(digest.strip().lower()) if digest is not None else None
    return digest is None or (known is not None and found.startswith(known[1]) and found.endswith(known[2] or ""))


def run_replay(settings: Settings, clock: Clock, reference: str, *, json: bool) -> int:
    """Ask today's gate with the recorded inputs of a verdict, and print what differs."""
    return _about(settings, clock, reference, lambda record: _replay(record.proof, json=json))


def replay_file(file: Path, *, json: bool) -> int:
    """Ask today's gate with the inputs in a proof's file alone, and print what differs."""
    proof = _read(file)
    return NOT_READ if proof is None else _replay(proof, json=json)


def _replay(proof: Proof, *, json: bool) -> int:
    try:
        checks, context = proof.body["checks"], proof.body["context"]
        if not isinstance(checks, list) or not isinstance(context, dict):
            raise ValueError("a proof needs its checks and its context")
        again = replay(load_checks(checks), context)
    except NotRecorded as error:
        say(f"not replayed: {error}", error=True)
        return NOT_READ
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        say(f"not replayed, its inputs cannot be read: {explain(error)}", error=True)
        return NOT_READ
    if json:
        say_json(_replay_as_json(again))
    else:
        _print_replay(again)
    return HOLDS if again.equal else DIFFERS


def _print_replay(again: Replay) -> None:
    word = {True: "allowed", False: "denied"}
    if again.equal:
        say(f"equal: {word[again.allowed_now]} again, {again.compared} rules answer as they did")
        return
    say(f"{word[again.allowed_then]} then, {word[again.allowed_now]} now; {len(again.differences)} of {again.compared} differ")
    say_rows([(each.code.value, f"then {_said(each.recorded)}", f"now {_said(each.now)}") for each in again.differences])


def _said(check: Check | None) -> str:
    if check is None:
        return "not asked"
    note = f" ({check.note})" if check.note else ""
    return f"{'passed' if check.passed else 'DENIED'} {check.value} against {check.limit} {check.unit.value}{note}"


def _replay_as_json(again: Replay) -> dict[str, object]:
    def one(each: Difference) -> dict[str, object]:
        return {"code": each.code.value, "then": _said(each.recorded), "now": _said(each.now)}

    return {
        "equal": again.equal,
        "allowed_then": again.allowed_then,
        "allowed_now": again.allowed_now,
        "compared": again.compared,
        "differences": [one(each) for each in again.differences],
    }


def _print_record(record: ProofRecord) -> None:
    verdict = record.stored.verdict
    about = f"trade #{record.trade}" if record.trade is not None else f"mission #{record.mission}"
    say(f"{'allowed' if verdict.allowed else 'denied'}  {about}, {verdict.decided_at:%Y-%m-%d %H:%M:%S} UTC")
    say(f"verdict  {record.stored.id}")
    say(f"settings {verdict.config_hash}")
    say_rows(
        [
            (
                "✓" if check.passed else "✗",
                check.code.value,
                str(check.value),
                f"limit {check.limit}",
                check.unit.value,
                check.note,
            )
            for check in verdict.checks
        ]
    )
    say(f"sha256   {record.proof.digest}")
    if record.shown:
        say("journal  none: this is what a preview showed")
        return
    said = "no row names it" if record.row is None else f"row {record.row}, {'the same' if record.holds else 'NOT the same'}"
    say(f"journal  {said}")


def _read(file: Path) -> Proof | None:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise ValueError("larger than any proof")
        return read_document(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        say(f"{file} cannot be read as a proof: {explain(error)}", error=True)
        return None


def _about(settings: Settings, clock: Clock, reference: str, act: Callable[[ProofRecord], int]) -> int:
    def find(unit: Unit) -> ProofRecord:
        found = find_record(unit, reference)
        if found is None:
            raise NotFound("TRADE", reference=reference[:40], fix="name a trade's number, m12 for a mission's, or an id")
        return found

    async def read() -> ProofRecord:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            return await database.read(find)

    try:
        record = asyncio.run(read())
    except SortieError as error:
        say(f"no verdict: {explain(error)}", error=True)
        return NOT_READ
    return act(record)
