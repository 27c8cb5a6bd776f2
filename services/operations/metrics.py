"""The catalogue of metrics: every name that `/metrics` may show, pinned by a test and written out in the reference.

Names are ``sortie_*`` with their unit at the end. Labels are kinds of things: no symbol, name, id or amount of money.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.domain.measures import Counted, Timed

QUICK = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
CALL = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)


class Kind(StrEnum):
    """How a metric is read."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; ``bounds`` are a histogram's, in seconds."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names under which its samples are stored."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


def _gauge(name: str, about: str, *labels: str) -> Metric:
    return Metric(name=f"sortie_{name}", kind=Kind.GAUGE, about=about, labels=labels)


def _counter(name: str, about: str, *labels: str) -> Metric:
    return Metric(name=f"sortie_{name}_total", kind=Kind.COUNTER, about=about, labels=labels)


def _histogram(name: str, about: str, bounds: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name=f"sortie_{name}_seconds", kind=Kind.HISTOGRAM, about=about, labels=labels, bounds=bounds)


TIMED: dict[Timed, Metric] = {
    Timed.TAP_TO_ORDER: _histogram("tap_to_order", "A Confirm received, to its order answered by the venue", CALL),
    Timed.ACK_TO_FILL: _histogram("ack_to_fill", "An entry acknowledged, to its first fill booked; not what rests", SLOW),
    Timed.GATE: _histogram("gate", "The gate of a fire, with the ledger that it reads", QUICK),
    Timed.COMMIT: _histogram("commit", "A write unit asked for, to committed, its turn included", QUICK),
    Timed.ANSWER: _histogram("answer", "An update received, to its first visible answer", CALL),
    Timed.MESSAGE: _histogram("message_lag", "An event stored or due, to told in the chat", SLOW),
    Timed.READY: _histogram("ready", "The start of recovery, to ready", SLOW),
    Timed.VENUE_CALL: _histogram("venue_call", "A call to a venue, to its answer", CALL, "venue", "call"),
    Timed.TELEGRAM_CALL: _histogram("telegram_call", "A call to the Bot API, to its answer", CALL, "method"),
    Timed.LOOP: _histogram("loop_delay", "By how much later than due the event loop calls", QUICK),
}
COUNTED: dict[Counted, Metric] = {
    Counted.VENUE_ERROR: _counter(
        "venue_errors", "Failed calls to a venue: rejected, unknown, unavailable or given_up", "venue", "call", "error"
    ),
    Counted.TELEGRAM_FLOOD: _counter("telegram_floods", "Answers 429 of the Bot API"),
    Counted.TELEGRAM_ERROR: _counter("telegram_errors", "Failed calls to the Bot API: refused, or out of reach", "error"),
    Counted.TASK_CRASH: _counter("task_crashes", "Background tasks that crashed, by the first word of their name", "task"),
    Counted.HEARTBEAT: _counter("heartbeat_pings", "Pings to the outside watch: ok, failed or withheld", "result"),
    Counted.HTTP_REQUEST: _counter("http_requests", "Requests to this port", "path", "status"),
}

BUILD_INFO = _gauge("build_info", "1; what runs: version, hash of the settings, schema revision", "version", "config", "schema")
DATABASE_UP = _gauge("database_up", "1 when the database answered this scrape, else 0; then what it knows is missing")
DESK_READY = _gauge("desk_ready", "1 when every mandatory stage has shown life since the start, else 0")
STAGE_AGE = _gauge("stage_age_seconds", "Since the stage last succeeded; missing before its first success", "stage")
STAGE_LIMIT = _gauge("stage_limit_seconds", "Age from which the stage is late", "stage")
STAGE_LATE = _gauge("stage_late", "1 when the stage has not shown life in its time, else 0", "stage")
QUEUE_SIZE = _gauge("queue_size", "What waits: instructions, messages, cards, updates or requests", "queue")
QUEUE_OLDEST = _gauge("queue_oldest_seconds", "Age of the oldest that waits; 0 when nothing does", "queue")
UNKNOWN = _gauge("unknown_instructions", "Venue writes whose outcome nobody knows yet")
UNKNOWN_OLDEST = _gauge("unknown_oldest_seconds", "Since the oldest of them was sent; 0 when there is none")
INCIDENTS = _gauge("open_incidents", "Open incidents", "severity")
HALTS = _gauge("halts", "Switches in force", "scope", "state")
HALT_FILE = _gauge("halt_file", "1 when the halt file stands, else 0")
LIVE_TRADES = _gauge("live_trades", "Trades that may still change", "state")
POSITIONS = _gauge("open_positions", "Positions that are not flat")
BARE = _gauge("bare_trades", "Open trades without a stop at the venue")
PROPOSALS = _gauge("open_proposals", "Differences that wait for a person's decision")
TERMINALS = _gauge("terminals", "Active terminals", "venue", "mode")
UNRECONCILED = _gauge("terminals_unreconciled", "Terminals closed to entries: their venue was not compared", "venue", "mode")
RECONCILE_AGE = _gauge(
    "reconcile_age_seconds", "Since the longest-waiting of these terminals was compared with its venue", "venue", "mode"
)
JOURNAL = _gauge("journal_sequence", "Newest row of the journal")
BACKUP_AGE = _gauge("backup_age_seconds", "Age of the newest backup, daily or rolling; missing without one", "kind")
LOOP_LAG = _gauge("loop_lag_seconds", "Newest delay of the event loop")
LOOP_LAG_MAX = _gauge("loop_lag_max_seconds", "Longest delay of the event loop in the last minute")
LOOP_LAG_P99 = _gauge("loop_lag_p99_seconds", "99 of 100 moments of the last minute waited less for the event loop")
MEMORY = _gauge("process_resident_memory_bytes", "Memory that the process holds; Linux only")
OPEN_FILES = _gauge("process_open_fds", "Files and sockets that the process has open; Linux only")
MAX_FILES = _gauge("process_max_fds", "Files and sockets that it may have open; Linux only")
CPU = Metric(
    name="sortie_process_cpu_seconds_total", kind=Kind.COUNTER, about="Processor time that the process has used; Linux only"
)
STARTED = _gauge("process_start_time_seconds", "When the process started, in Unix time; Linux only")
VIRTUAL = _gauge("process_virtual_memory_bytes", "Address space of the process; Linux only")

GAUGES = (
    BUILD_INFO,
    DATABASE_UP,
    DESK_READY,
    STAGE_AGE,
    STAGE_LIMIT,
    STAGE_LATE,
    QUEUE_SIZE,
    QUEUE_OLDEST,
    UNKNOWN,
    UNKNOWN_OLDEST,
    INCIDENTS,
    HALTS,
    HALT_FILE,
    LIVE_TRADES,
    POSITIONS,
    BARE,
    PROPOSALS,
    TERMINALS,
    UNRECONCILED,
    RECONCILE_AGE,
    JOURNAL,
    BACKUP_AGE,
    LOOP_LAG,
    LOOP_LAG_MAX,
    LOOP_LAG_P99,
)
PROCESS = (CPU, MEMORY, OPEN_FILES, MAX_FILES, STARTED, VIRTUAL)
METRICS: tuple[Metric, ...] = (*GAUGES, *TIMED.values(), *COUNTED.values(), *PROCESS)
