"""The tables. Amounts are exact: canonical text on SQLite, NUMERIC on PostgreSQL; times are aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import DateTime, TypeEngine

from services.domain.money import canonical

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Amount(TypeDecorator[Decimal]):
    """An exact decimal: text on SQLite, whose NUMERIC is a float; NUMERIC elsewhere."""

    impl = String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database."""
        return dialect.type_descriptor(String(64) if dialect.name == "sqlite" else Numeric(38, 18))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write canonically."""
        if value is None:
            return None
        text = canonical(value)
        return text if dialect.name == "sqlite" else Decimal(text)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read back exactly; PostgreSQL pads to 18 places."""
        return None if value is None else Decimal(canonical(Decimal(value)))


class Instant(TypeDecorator[datetime]):
    """An aware UTC time: ISO text with microseconds on SQLite, which has no such type; timestamptz elsewhere."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; write UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read back as aware UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


def _id(name: str = "id") -> Column[str]:
    return Column(name, String(32), primary_key=True)


people = Table(
    "people",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(128), nullable=False),
    Column("username", String(64)),
    Column("role", String(16), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("quiet_from", String(5)),
    Column("quiet_to", String(5)),
    Column("reachable", Boolean, nullable=False),
    Column("granted_by", BigInteger),
    Column("created_at", Instant, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("event", String(16), primary_key=True),
    Column("loudness", String(8), nullable=False),
)

access_requests = Table(
    "access_requests",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(128), nullable=False),
    Column("username", String(64)),
    Column("state", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("told_at", Instant),
)

chats = Table(
    "chats",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("added_by", BigInteger),
    Column("updated_at", Instant, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("topic", String(16), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("thread_id", BigInteger),
    Column("bound_by", BigInteger),
)

checklist = Table(
    "checklist",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("item", String(24), primary_key=True),
    Column("done_at", Instant, nullable=False),
)

terminals = Table(
    "terminals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("venue", String(32), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("owner_id", ForeignKey("people.id")),
    Column("currency", String(16), nullable=False),
    Column("can_short", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("reconciled_at", Instant),
    Column("fill_sequence", BigInteger, nullable=False),
)

universes = Table(
    "universes",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("instruments", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

strategies = Table(
    "strategies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("changed_by", BigInteger),
    Column("changed_at", Instant, nullable=False),
)

signals = Table(
    "signals",
    metadata,
    _id(),
    Column("source", String(96), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("timeframe", String(8), nullable=False),
    Column("side", String(8), nullable=False),
    Column("entry_low", Amount, nullable=False),
    Column("entry_high", Amount, nullable=False),
    Column("stop", Amount, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("score", Integer, nullable=False),
    Column("score_parts", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("candle_time", Instant),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("drop_code", String(32)),
    Column("drop_note", String(256)),
    # One candle calls once, whatever is repeated after a restart.
    UniqueConstraint("source", "symbol", "timeframe", "candle_time"),
)

missions = Table(
    "missions",
    metadata,
    _id(),
    Column("number", Integer, nullable=False, unique=True),
    Column("signal_id", ForeignKey("signals.id"), nullable=False, unique=True),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Index("ix_missions_state_expires_at", "state", "expires_at"),
)

offers = Table(
    "offers",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("grouped", Boolean, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Index("ix_offers_chat_id_offered_at", "chat_id", "offered_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("decision", String(16), nullable=False),
    Column("reason", String(32)),
    Column("at", Instant, nullable=False),
)

previews = Table(
    "previews",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("token_id", String(32)),
    Column("size", String(8), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("half", Amount, nullable=False),
    Column("full", Amount, nullable=False),
    Column("largest", Amount, nullable=False),
    Column("decision_price", Amount, nullable=False),
    Column("worst_price", Amount, nullable=False),
    Column("loss", Amount, nullable=False),
    Column("equity", Amount),
    Column("checks", JSON, nullable=False),
    Column("note", String(64), nullable=False),
    Column("good_until", Instant, nullable=False),
    Column("at", Instant, nullable=False),
)

trades = Table(
    "trades",
    metadata,
    _id(),
    Column("number", Integer, nullable=False, unique=True),
    Column("mission_id", ForeignKey("missions.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("state", String(24), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("decision_price", Amount, nullable=False),
    Column("worst_price", Amount, nullable=False),
    Column("stop", Amount, nullable=False),
    Column("initial_stop", Amount, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("risk_money", Amount, nullable=False),
    Column("currency", String(16), nullable=False),
    Column("tapped_at", Instant, nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("entry_quantity", Amount, nullable=False),
    Column("entry_cost", Amount, nullable=False),
    Column("exit_quantity", Amount, nullable=False),
    Column("exit_cost", Amount, nullable=False),
    Column("fees", Amount, nullable=False),
    Column("dust", Amount, nullable=False),
    Column("acknowledged_at", Instant),
    Column("opened_at", Instant),
    Column("closed_at", Instant),
    Column("close_reason", String(32)),
    Index("ix_trades_terminal_id_state", "terminal_id", "state"),
    Index("ix_trades_person_id_state", "person_id", "state"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    Column("trade_id", ForeignKey("trades.id")),
    Column("mission_id", ForeignKey("missions.id"), nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("terminal_id", String(32), nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("code", String(32)),
    Column("checks", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("config_hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_verdicts_at", "at"),
)

instructions = Table(
    "instructions",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("trade_id", ForeignKey("trades.id")),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("orders", JSON, nullable=False),
    Column("cancels", JSON, nullable=False),
    Column("deadline", Instant),
    Column("collar", Amount),
    Column("correlation", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("epoch", BigInteger),
    Column("sent_at", Instant),
    Column("answered_at", Instant),
    Column("answer", Text),
    Index("ix_instructions_state_terminal_id", "state", "terminal_id"),
    Index("ix_instructions_trade_id", "trade_id"),
)

orders = Table(
    "orders",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("client_id", String(64), primary_key=True),
    Column("venue_id", String(64)),
    Column("instruction_id", ForeignKey("instructions.id")),
    Column("trade_id", ForeignKey("trades.id")),
    Column("symbol", String(32), nullable=False),
    Column("role", String(16), nullable=False),
    Column("side", String(8), nullable=False),
    Column("type", String(16), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("filled", Amount, nullable=False),
    Column("price", Amount),
    Column("stop_price", Amount),
    Column("state", String(16), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_orders_trade_id", "trade_id"),
    Index("ix_orders_terminal_id_state", "terminal_id", "state"),
)

fills = Table(
    "fills",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("venue_fill_id", String(64), primary_key=True),
    Column("client_id", String(64)),
    Column("trade_id", ForeignKey("trades.id")),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_currency", String(16), nullable=False),
    Column("time", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Index("ix_fills_trade_id", "trade_id"),
)

positions = Table(
    "positions",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("quantity", Amount, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

day_results = Table(
    "day_results",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("opening_equity", Amount, nullable=False),
    Column("realized", Amount, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("person_id", BigInteger),
    Column("chat_id", BigInteger),
    Column("terms", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_tokens_expires_at", "expires_at"),
)

halts = Table(
    "halts",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("by_id", BigInteger, nullable=False),
    Column("by_name", String(128), nullable=False),
    Column("reason", String(256), nullable=False),
    Column("since", Instant, nullable=False),
)

updates = Table(
    "updates",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index("ix_updates_state", "state"),
)

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("thread_id", BigInteger),
    Column("template", String(48), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("reply_to_card", String(96)),
    Column("attempts", Integer, nullable=False),
    Column("message_id", BigInteger),
    Column("answered_at", Instant),
    Column("error", String(256)),
    Index("ix_notices_state_priority", "state", "priority"),
)

cards = Table(
    "cards",
    metadata,
    Column("key", String(96), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("thread_id", BigInteger),
    Column("message_id", BigInteger),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("reply_to_card", String(96)),
    Column("digest", String(64)),
    Column("has_photo", Boolean, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    # A card is due when more changes were asked for than shown; `stale` keeps that in one indexed column.
    Index("ix_cards_stale_priority", "stale", "priority"),
)

duties = Table(
    "duties",
    metadata,
    Column("name", String(96), primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("terms", JSON, nullable=False),
    Index("ix_duties_due_at", "due_at"),
)

requests = Table(
    "requests",
    metadata,
    _id(),
    Column("kind", String(32), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
)

leases = Table(
    "leases",
    metadata,
    Column("role", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

stages = Table(
    "stages",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("period_s", Integer, nullable=False),
    Column("last_success", Instant),
    Column("next_run", Instant),
    Column("detail", String(160), nullable=False),
    Column("lag_ms", Integer),
)

incidents = Table(
    "incidents",
    metadata,
    _id(),
    Column("code", String(32), nullable=False),
    Column("subject", String(96), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("closed_at", Instant),
    Column("facts", JSON, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(48), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("facts", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
