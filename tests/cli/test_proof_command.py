"""``sortie proof`` and ``sortie replay``: a verdict's hash, from rows and from a file alone, and the gate asked again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from config.settings import Settings
from handlers.cli.proof import replay_file, run_replay, show_proof, verify_file, verify_proof
from tests.operations.story import FixedClock, Story

Out = pytest.CaptureFixture[str]
RAISED = "UPDATE verdicts SET context = json_set(context, '$.limits.per_trade', '0.9') WHERE trade_id IS NOT NULL"
PASSED = "UPDATE verdicts SET checks = replace(checks, 'HALT', 'GRID') WHERE trade_id IS NOT NULL"
BACKED = "UPDATE journal SET facts = json_set(facts, '$.proof', 'ab') WHERE kind = 'trade.fired'"
UNNAMED = "DELETE FROM journal WHERE kind = 'trade.fired'"
DEARER = "UPDATE previews SET proof = json_set(proof, '$.context.plan.worst_price', '1')"
WIDER = "UPDATE previews SET proof = json_set(proof, '$.context.limits.per_trade.value', '0.9')"
RICHER = "UPDATE verdicts SET context = json_set(context, '$.market.equity', '1') WHERE trade_id IS NOT NULL"
YOUNGER = "UPDATE verdicts SET context = json_remove(context, '$.ledger.doubtful') WHERE trade_id IS NOT NULL"


@pytest.fixture
def document(story: Story, settings: Settings, clock: FixedClock, tmp_path: Path, capsys: Out) -> Path:
    assert show_proof(settings, clock, "1", json=True) == 0
    file = tmp_path / "proof.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


def test_a_proof_is_recomputed_from_the_rows_and_from_its_file(
    document: Path, settings: Settings, clock: FixedClock, capsys: Out
) -> None:
    told = json.loads(document.read_text(encoding="utf-8"))
    plain = json.dumps(told["proof"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(plain.encode()).hexdigest()

    assert digest == told["sha256"], "anyone can recompute it without the desk"
    assert verify_file(document, digest=f"{digest[:4]}…{digest[-2:]}") == 0
    assert verify_proof(settings, clock, "#1", digest=digest) == 0
    assert verify_proof(settings, clock, told["proof"]["verdict"], digest=None) == 0
    assert show_proof(settings, clock, "m1", json=False) == 0
    assert "RISK_PER_TRADE" in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage", [RAISED, PASSED, BACKED, UNNAMED], ids=["limit raised", "rule renamed", "hash in the journal", "row gone"]
)
def test_rows_that_were_changed_afterwards_are_found(story: Story, settings: Settings, clock: FixedClock, damage: str) -> None:
    assert verify_proof(settings, clock, "1", digest=None) == 0
    story.desk(damage)

    assert verify_proof(settings, clock, "1", digest=None) == 1


@pytest.mark.parametrize("damage", [DEARER, WIDER], ids=["worst price", "limit raised"])
def test_what_a_preview_showed_is_recomputed_and_a_change_of_it_is_found(
    story: Story, settings: Settings, clock: FixedClock, capsys: Out, tmp_path: Path, damage: str
) -> None:
    assert show_proof(settings, clock, "p1", json=True) == 0
    told = json.loads(capsys.readouterr().out)
    file, digest = tmp_path / "preview.json", told["sha256"]
    file.write_text(json.dumps(told), encoding="utf-8")
    shown = f"{digest[:4]}…{digest[-2:]}"

    assert (verify_file(file, digest=shown), verify_proof(settings, clock, "p1", digest=shown)) == (0, 0)
    assert run_replay(settings, clock, "p1", json=False) == 0
    assert verify_proof(settings, clock, "p1", digest=None) == 1, "nothing but the reader's own hash stands for it"
    story.desk(damage)
    assert verify_proof(settings, clock, "p1", digest=shown) == 1


def test_a_file_that_was_changed_or_is_of_another_trade_is_found(document: Path) -> None:
    other = "0" * 64
    assert verify_file(document, digest=other) == 1
    document.write_text(document.read_text(encoding="utf-8").replace('"allowed": true', '"allowed": false'), encoding="utf-8")
    assert verify_file(document, digest=None) == 1
    document.write_text("[]", encoding="utf-8")
    assert verify_file(document, digest=None) == 2


def test_the_gate_answers_again_as_it_did(document: Path, settings: Settings, clock: FixedClock, capsys: Out) -> None:
    assert run_replay(settings, clock, "1", json=False) == 0
    assert replay_file(document, json=True) == 0

    said = capsys.readouterr().out
    assert said.startswith("equal: allowed again") and json.loads(said.partition("\n")[2])["differences"] == []


def test_a_replay_names_the_rules_that_differ_and_what_was_not_recorded(
    story: Story, settings: Settings, clock: FixedClock, capsys: Out
) -> None:
    story.desk(RICHER)
    assert run_replay(settings, clock, "1", json=False) == 1
    told = capsys.readouterr().out
    assert "allowed then, denied now" in told and "RISK_PER_TRADE" in told and "IN_DOUBT" not in told
    story.desk(YOUNGER)
    assert run_replay(settings, clock, "1", json=False) == 2
    assert run_replay(settings, clock, "99", json=False) == 2
    assert "ledger.doubtful" in capsys.readouterr().err
