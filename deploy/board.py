"""The Grafana board: rows of panels over the metrics of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.domain.measures import Counted, Timed
from services.operations import metrics
from services.operations.metrics import COUNTED, TIMED, Metric

WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${source}"}
RATE = "$__rate_interval"
SECONDS, BYTES, COUNT, SHARE = "s", "bytes", "short", "percentunit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: ``series`` are expressions with their legends, ``alarm`` is the value from which it is red."""

    title: str
    series: tuple[tuple[str, str], ...]
    unit: str = COUNT
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    alarm: float | None = None


def _now(title: str, expr: str, unit: str = COUNT, alarm: float | None = None) -> Panel:
    return Panel(title=title, series=((expr, ""),), unit=unit, kind="stat", width=4, height=4, alarm=alarm)


def _quantiles(title: str, metric: Metric, *labels: str, alarm: float | None = None) -> Panel:
    by, named = ", ".join(("le", *labels)), " ".join(f"{{{{{each}}}}}" for each in labels)
    wanted = ((0.5, "p50"), (0.99, "p99")) if not labels else ((0.99, "p99"),)
    series = tuple(
        (f"histogram_quantile({share:g}, sum by ({by}) (rate({metric.name}_bucket[{RATE}])))", f"{word} {named}".strip())
        for share, word in wanted
    )
    return Panel(title=title, series=series, unit=SECONDS, alarm=alarm)


def _over_time(title: str, expr: str, legend: str, unit: str = COUNT, alarm: float | None = None) -> Panel:
    return Panel(title=title, series=((expr, legend),), unit=unit, alarm=alarm)


def _rate(title: str, metric: Metric, *labels: str) -> Panel:
    legend = " ".join(f"{{{{{each}}}}}" for each in labels) or "all"
    expr = f"sum by ({', '.join(labels)}) (rate({metric.name}[{RATE}]))" if labels else f"rate({metric.name}[{RATE}])"
    return _over_time(title, expr, legend)


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Now",
        (
            _now("Silent stages", f"sum({metrics.STAGE_LATE.name})", alarm=1),
            _now("Urgent incidents", f'sum({metrics.INCIDENTS.name}{{severity="urgent"}})', alarm=1),
            _now("Halts in force", f"sum({metrics.HALTS.name}) or vector(0)", alarm=1),
            _now("Unknown outcomes", metrics.UNKNOWN.name, alarm=1),
            _now("Trades without a stop", metrics.BARE.name, alarm=1),
            _now("Live trades", f"sum({metrics.LIVE_TRADES.name}) or vector(0)"),
        ),
    ),
    (
        "From the tap to the fill",
        (
            _quantiles("Tap to order", TIMED[Timed.TAP_TO_ORDER], alarm=3),
            _quantiles("Acknowledged to filled", TIMED[Timed.ACK_TO_FILL], alarm=5),
            _quantiles("Gate", TIMED[Timed.GATE], alarm=0.05),
            _quantiles("First answer in the chat", TIMED[Timed.ANSWER], alarm=1),
            _quantiles("Events told after", TIMED[Timed.MESSAGE], alarm=10),
            _quantiles("Commit", TIMED[Timed.COMMIT], alarm=0.2),
        ),
    ),
    (
        "Stages and queues",
        (
            _over_time(
                "Age of stages, of their limit", f"{metrics.STAGE_AGE.name} / {metrics.STAGE_LIMIT.name}", "{{stage}}", SHARE, 1
            ),
            _over_time("What waits", metrics.QUEUE_SIZE.name, "{{queue}}"),
            _over_time("How long the oldest waits", metrics.QUEUE_OLDEST.name, "{{queue}}", SECONDS, 60),
            _over_time("Crashed tasks", f"increase({COUNTED[Counted.TASK_CRASH].name}[10m])", "{{task}}", alarm=1),
            _over_time("Open incidents", metrics.INCIDENTS.name, "{{severity}}"),
            _over_time("Journal rows a minute", f"rate({metrics.JOURNAL.name}[5m]) * 60", "rows"),
        ),
    ),
    (
        "Venues",
        (
            _quantiles("Calls", TIMED[Timed.VENUE_CALL], "venue", "call"),
            _rate("Failed calls", COUNTED[Counted.VENUE_ERROR], "venue", "error"),
            _over_time("Compared with the venue", metrics.RECONCILE_AGE.name, "{{venue}} {{mode}}", SECONDS, 60),
            _over_time("Closed to entries", metrics.UNRECONCILED.name, "{{venue}} {{mode}}", alarm=1),
            _over_time("Oldest unknown outcome", metrics.UNKNOWN_OLDEST.name, "unknown", SECONDS, 120),
            _over_time("Open questions", metrics.PROPOSALS.name, "differences"),
        ),
    ),
    (
        "Telegram",
        (
            _quantiles("Calls", TIMED[Timed.TELEGRAM_CALL], "method"),
            _rate("Held back (429)", COUNTED[Counted.TELEGRAM_FLOOD]),
            _rate("Failed calls", COUNTED[Counted.TELEGRAM_ERROR], "error"),
        ),
    ),
    (
        "Process",
        (
            Panel(
                title="Event loop",
                series=(
                    (metrics.LOOP_LAG_P99.name, "p99"),
                    (metrics.LOOP_LAG_MAX.name, "longest"),
                    (metrics.LOOP_LAG.name, "newest"),
                ),
                unit=SECONDS,
                alarm=0.25,
            ),
            _over_time("Memory", metrics.MEMORY.name, "resident", BYTES),
            _rate("Processor", metrics.CPU),
            _over_time("Open files", f"{metrics.OPEN_FILES.name} / {metrics.MAX_FILES.name}", "of what it may", SHARE, 0.8),
            _over_time("Newest backup", metrics.BACKUP_AGE.name, "{{kind}}", SECONDS),
            _rate("Pings to the outside watch", COUNTED[Counted.HEARTBEAT], "result"),
        ),
    ),
)


def board() -> dict[str, Any]:
    """Return the board as Grafana imports it."""
    return {
        "uid": "sortie-desk",
        "title": "Sortie",
        "tags": ["sortie"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}]
        },
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for title, row in ROWS:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": _place(0, top, WIDTH, 1),
            "panels": [],
        }
        top, left, height = top + 1, 0, 0
        for panel in row:
            number += 1
            if left + panel.width > WIDTH:
                top, left, height = top + height, 0, 0
            yield _panel(panel, number, _place(left, top, panel.width, panel.height))
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(65 + index), "expr": expr, "legendFormat": legend or "__auto", "datasource": SOURCE}
        for index, (expr, legend) in enumerate(panel.series)
    ]
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.alarm is not None:
        steps.append({"color": "red", "value": panel.alarm})
    custom = {"thresholdsStyle": {"mode": "line"}} if panel.kind == "timeseries" and panel.alarm is not None else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "custom": custom},
            "overrides": [],
        },
        "options": {},
    }


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}
