"""The log lines that stand for a crash are lines that the desk writes."""

from __future__ import annotations

from pathlib import Path

from tests.crash.logged import CRASHED, crashes

EVENTS = Path(__file__).parents[2] / "docs" / "reference" / "events.md"


def test_each_crash_that_is_looked_for_is_one_that_the_desk_logs() -> None:
    known = EVENTS.read_text(encoding="utf-8")

    assert [event for event in CRASHED if f"| `{event}` | " not in known] == []


def test_a_crash_is_found_in_a_log(tmp_path: Path) -> None:
    log = tmp_path / "sortie.log"
    log.write_text('{"event": "desk.started"}\n{"event": "stage.crashed", "stage": "sender"}\n', encoding="utf-8")

    (found,) = crashes([log])

    assert found.startswith("stage.crashed sender")
