"""Write what watches the desk from outside, from the same tables as the desk: alert rules and a board.

``python -m deploy.monitoring`` writes `deploy/prometheus/sortie-rules.yml` and `deploy/grafana/sortie.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.board import board
from services.domain.incidents import AlertCode
from services.domain.measures import Counted, Timed
from services.operations import metrics
from services.operations.metrics import COUNTED, TIMED, Kind
from services.operations.slo import OBJECTIVES, Objective

FOLDER = Path(__file__).resolve().parent
RULES = FOLDER / "prometheus" / "sortie-rules.yml"
BOARD = FOLDER / "grafana" / "sortie.json"
RANGE = "30m"
URGENT, ROUTINE = "urgent", "routine"
MONITORING = "docs/monitoring.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert of Prometheus: ``lasts`` is for how long the expression must hold; ``page`` an alert code or a page."""

    name: str
    expr: str
    lasts: str
    severity: str
    summary: str
    page: str

    @property
    def runbook(self) -> str:
        """Say where the answer stands: in the chat, and in the documentation."""
        if self.page in set(AlertCode):
            return f"{self.page}: /runbook {self.page} in the chat, docs/runbooks.md"
        return self.page


def _rule(name: str, expr: str, lasts: str, severity: str, summary: str, page: str) -> Rule:
    return Rule(name=f"Sortie{name}", expr=expr, lasts=lasts, severity=severity, summary=summary, page=page)


def _ratio() -> str:
    failed, made = COUNTED[Counted.VENUE_ERROR].name, f"{TIMED[Timed.VENUE_CALL].name}_count"
    return f"sum by (venue) (rate({failed}[5m])) / sum by (venue) (rate({made}[5m])) > 0.2"


STATE_RULES = (
    _rule(
        "Down", 'up{job="sortie"} == 0', "1m", URGENT, "The desk does not answer its scrape", f"{MONITORING}, The desk is gone"
    ),
    _rule(
        "DatabaseDown",
        f"{metrics.DATABASE_UP.name} == 0",
        "1m",
        URGENT,
        "The desk's database does not answer",
        AlertCode.DATABASE_UNWRITABLE,
    ),
    _rule(
        "StageLate",
        f"{metrics.STAGE_LATE.name} == 1",
        "1m",
        URGENT,
        "Stage {{ $labels.stage }} is silent",
        AlertCode.STAGE_SILENT,
    ),
    _rule(
        "Incident",
        f'{metrics.INCIDENTS.name}{{severity="urgent"}} > 0',
        "5m",
        URGENT,
        "{{ $value }} urgent incidents are open",
        "docs/runbooks.md; /status names them",
    ),
    _rule(
        "Bare",
        f"{metrics.BARE.name} > 0",
        "30s",
        URGENT,
        "{{ $value }} open trades have no stop at the venue",
        AlertCode.POSITION_BARE,
    ),
    _rule(
        "Unreconciled",
        f"{metrics.UNRECONCILED.name} > 0",
        "3m",
        URGENT,
        "{{ $value }} terminals at {{ $labels.venue }} are closed to entries",
        AlertCode.VENUE_UNREACHABLE,
    ),
    _rule(
        "VenueErrors", _ratio(), "5m", URGENT, "A fifth of the calls to {{ $labels.venue }} fail", AlertCode.VENUE_UNREACHABLE
    ),
    _rule(
        "QueueOld",
        f"{metrics.QUEUE_OLDEST.name} > 60",
        "1m",
        URGENT,
        "The oldest of {{ $labels.queue }} waits for a minute",
        AlertCode.STAGE_SILENT,
    ),
    _rule(
        "LoopLag",
        f"{metrics.LOOP_LAG_P99.name} > 0.25",
        "2m",
        ROUTINE,
        "The event loop is late by {{ $value }} s",
        AlertCode.LOOP_LAG,
    ),
    _rule(
        "TaskCrashes",
        f"increase({COUNTED[Counted.TASK_CRASH].name}[10m]) > 0",
        "0s",
        ROUTINE,
        "Task {{ $labels.task }} crashed and was started again",
        AlertCode.STAGE_SILENT,
    ),
    _rule(
        "TelegramFloods",
        f"increase({COUNTED[Counted.TELEGRAM_FLOOD].name}[10m]) > 20",
        "0s",
        ROUTINE,
        "Telegram holds the desk back",
        AlertCode.STAGE_SILENT,
    ),
    _rule(
        "BackupOld",
        f'{metrics.BACKUP_AGE.name}{{kind="daily"}} > 93600',
        "10m",
        ROUTINE,
        "The newest daily backup is older than 26 hours",
        AlertCode.BACKUP_FAILED,
    ),
    _rule(
        "HeartbeatLost",
        f'increase({COUNTED[Counted.HEARTBEAT].name}{{result="failed"}}[10m]) > 3',
        "0s",
        ROUTINE,
        "Pings to the outside watch are lost",
        AlertCode.HEARTBEAT_FAILED,
    ),
    _rule(
        "FilesNearlyUp",
        f"{metrics.OPEN_FILES.name} / {metrics.MAX_FILES.name} > 0.8",
        "10m",
        ROUTINE,
        "The process has nearly as many files open as it may",
        f"{MONITORING}, Files and memory",
    ),
)


def rules() -> tuple[Rule, ...]:
    """Return every rule: those of the desk's state, and one for each objective that `/slo` judges."""
    return (*STATE_RULES, *(_objective_rule(each) for each in OBJECTIVES))


def _objective_rule(objective: Objective) -> Rule:
    words = "".join(part.capitalize() for part in objective.name.split("_"))
    limit = f"{objective.quantile:.0%} in {objective.target_s:g} s"
    summary = f"Missed: {objective.about} ({limit})"
    return _rule(f"Slo{words}", _objective_expr(objective), "5m", ROUTINE, summary, objective.page)


def _objective_expr(objective: Objective) -> str:
    name, target = objective.metric.name, f"{objective.target_s:g}"
    if objective.metric.kind is Kind.GAUGE:
        return f"max({name}) > {target}"
    if objective.metric is TIMED[Timed.READY]:
        # A process starts once: there is nothing that a rate could be taken of.
        return f"{name}_sum / {name}_count > {target}"
    quantile = f"histogram_quantile({objective.quantile:g}, sum by (le) (rate({name}_bucket[{RANGE}])))"
    return f"{quantile} > {target} and sum(increase({name}_count[{RANGE}])) >= {objective.least}"


def rules_text(found: Sequence[Rule]) -> str:
    """Write rules as Prometheus reads them; every text is a JSON string, which YAML takes as it is."""
    lines = [
        "# Written by python -m deploy.monitoring; what is changed here is lost.",
        "groups:",
        "  - name: sortie",
        "    rules:",
    ]
    return "\n".join([*lines, *(line for rule in found for line in _lines(rule))]) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    yield f"      - alert: {rule.name}"
    yield f"        expr: {json.dumps(rule.expr)}"
    yield f"        for: {rule.lasts}"
    yield "        labels:"
    yield f"          severity: {rule.severity}"
    yield "        annotations:"
    yield f"          summary: {json.dumps(rule.summary)}"
    yield f"          runbook: {json.dumps(rule.runbook)}"


def files() -> dict[Path, str]:
    """Return what each file must say."""
    return {RULES: rules_text(rules()), BOARD: json.dumps(board(), indent=2) + "\n"}


def main() -> None:
    """Write every file that says something else."""
    for file, text in files().items():
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {file}\n")


if __name__ == "__main__":
    main()
