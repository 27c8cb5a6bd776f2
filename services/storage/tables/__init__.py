"""The tables. Amounts are exact: canonical text on SQLite, NUMERIC on PostgreSQL; times are aware UTC."""

from services.storage.tables.approvals import approval_answers, approvals
from services.storage.tables.breakers import breakers, peaks
from services.storage.tables.changes import changes, limit_values
from services.storage.tables.columns import Amount, Instant, metadata
from services.storage.tables.decisions import decision_journal
from services.storage.tables.handovers import handovers
from services.storage.tables.incidents import incidents, outside_notices
from services.storage.tables.kills import kills
from services.storage.tables.messages import cards, notices, updates
from services.storage.tables.modes import auto_fires, modes
from services.storage.tables.news import calendars, news_feeds, news_items
from services.storage.tables.offers import decisions, missions, offers, previews, signals, strategies, universes
from services.storage.tables.people import access_requests, bindings, chats, checklist, grades, people, preferences, tokens
from services.storage.tables.process import counters, duties, facts, journal, leases, requests, stages
from services.storage.tables.sources import arrivals, nonces, source_counts, sources
from services.storage.tables.trading import (
    day_results,
    fills,
    halts,
    holdings,
    instructions,
    orders,
    positions,
    proposals,
    routes,
    terminals,
    trades,
    verdicts,
)

__all__ = [
    "Amount",
    "Instant",
    "access_requests",
    "approval_answers",
    "approvals",
    "arrivals",
    "auto_fires",
    "bindings",
    "breakers",
    "calendars",
    "cards",
    "changes",
    "chats",
    "checklist",
    "counters",
    "day_results",
    "decision_journal",
    "decisions",
    "duties",
    "facts",
    "fills",
    "grades",
    "halts",
    "handovers",
    "holdings",
    "incidents",
    "instructions",
    "journal",
    "kills",
    "leases",
    "limit_values",
    "metadata",
    "missions",
    "modes",
    "news_feeds",
    "news_items",
    "nonces",
    "notices",
    "offers",
    "orders",
    "outside_notices",
    "peaks",
    "people",
    "positions",
    "preferences",
    "previews",
    "proposals",
    "requests",
    "routes",
    "signals",
    "source_counts",
    "sources",
    "stages",
    "strategies",
    "terminals",
    "tokens",
    "trades",
    "universes",
    "updates",
    "verdicts",
]
