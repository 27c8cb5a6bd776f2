"""A campaign as a table on the screen and as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from bench.report import commit_of_source, machine
from tests.kills.campaign import Result
from tests.kills.controls import CONTROLS, Controlled
from tests.kills.judge import Verdict


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def holds(result: Result, controlled: Controlled, ready_within_s: float | None = None) -> bool:
    """Tell whether everything that was promised was kept, and the judge would have seen it otherwise.

    ``ready_within_s`` bounds 99 of 100 starts; on a machine with other work it says more about that.
    """
    halted = result.halted == result.halt_kills and not result.sent_after_halt
    ready = ready_within_s is None or percentile(result.ready_s, 0.99) <= ready_within_s
    return result.verdict.clean and halted and ready and not controlled.blind


def table(result: Result, controlled: Controlled) -> Table:
    """Return the table for the screen."""
    verdict, terms = result.verdict, result.terms
    shown = Table(title=f"kill -9 under load, seed {terms.seed}")
    shown.add_column("what")
    shown.add_column("figure", justify="right")
    rows: list[tuple[str, str]] = [
        ("kills", f"{result.kills} ({', '.join(f'{number} {name}' for name, number in result.moments.items())})"),
        ("starts that were let become ready", str(len(result.ready_s))),
        ("ready again after, p50 / p99 / max", _seconds(result.ready_s)),
        ("CPU of a start, p50 / p99 / max", _seconds(result.ready_cpu_s)),
        ("acts of people", f"{verdict.counts['acts']} ({', '.join(f'{n} by {name}' for name, n in verdict.answers.items())})"),
        ("trades, fills, at the exchange", _of(verdict.counts, "trades", "fills", "exchange_fills")),
        ("killed within 50 ms of /kill, came up halted", f"{result.halted} of {result.halt_kills}"),
        ("entries sent after the halt", str(result.sent_after_halt)),
        ("duplicates", str(len(verdict.duplicates))),
        ("lost fills", str(len(verdict.lost_fills))),
        ("naked positions", str(len(verdict.naked))),
        ("acts without an answer", str(len(verdict.unanswered))),
        ("stages and handlers that crashed", str(len(verdict.crashes))),
        ("verify", verdict.verify),
        (
            "controls that the judge did not see",
            f"{len(controlled.blind)} of {len(CONTROLS) - len(controlled.not_planted)} planted",
        ),
    ]
    for row in rows:
        shown.add_row(*row)
    return shown


def offenders(result: Result, controlled: Controlled) -> list[str]:
    """Return a line for everything that is wrong."""
    return [*wrong(result.verdict), *(f"control: {line}" for line in controlled.blind)]


def wrong(verdict: Verdict) -> list[str]:
    """Return a line for everything that a judge names."""
    named = {
        "duplicate": verdict.duplicates,
        "lost fill": verdict.lost_fills,
        "naked": verdict.naked,
        "no answer": verdict.unanswered,
        "crash": verdict.crashes,
        "verify": [f"{each.number} {each.name}: {each.detail}" for each in verdict.checks if each.status.value != "OK"],
    }
    return [f"{what}: {line}" for what, lines in named.items() for line in lines]


def keep(file: Path, figures: Mapping[str, object]) -> None:
    """Keep the figures of a run for the page of the long runs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def figures(result: Result, controlled: Controlled, ready_within_s: float | None = None) -> dict[str, object]:
    """Return what is kept of a campaign."""
    verdict = result.verdict
    return {
        "kind": "kills",
        "commit": commit_of_source(),
        "at": datetime.now(UTC).isoformat(),
        "machine": machine(),
        "seed": result.terms.seed,
        "kills": result.kills,
        "moments": result.moments,
        "starts": len(result.ready_s),
        "ready_s": {
            "p50": percentile(result.ready_s, 0.5),
            "p99": percentile(result.ready_s, 0.99),
            "max": max(result.ready_s),
        },
        "ready_cpu_s": {"p50": percentile(result.ready_cpu_s, 0.5), "max": max(result.ready_cpu_s)},
        "halt_kills": result.halt_kills,
        "halted": result.halted,
        "sent_after_halt": result.sent_after_halt,
        "duplicates": len(verdict.duplicates),
        "lost_fills": len(verdict.lost_fills),
        "naked": len(verdict.naked),
        "unanswered": len(verdict.unanswered),
        "crashes": len(verdict.crashes),
        "verify": verdict.verify,
        "answers": dict(verdict.answers),
        "counts": dict(verdict.counts),
        "controls_not_seen": list(controlled.blind),
        "controls_not_planted": list(controlled.not_planted),
        "load_average": round(os.getloadavg()[0], 1),
        "ok": holds(result, controlled, ready_within_s),
    }


def _seconds(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in _spread(values).values()) + " s"


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99), "max": max(values)}


def _of(counts: Mapping[str, int], *names: str) -> str:
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in names)
