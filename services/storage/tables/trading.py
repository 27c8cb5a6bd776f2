"""Terminals, trades and what was asked of venues."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from services.storage.tables.columns import Amount, Instant, id_column, metadata

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
    Column("rank", Integer, nullable=False, server_default="100"),
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

trades = Table(
    "trades",
    metadata,
    id_column(),
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
    Column("closing", Amount),
    Column("closing_at", Amount),
    Column("bare_since", Instant),
    Column("keep", JSON(none_as_null=True)),
    Column("route", JSON(none_as_null=True)),
    Index("ix_trades_terminal_id_state", "terminal_id", "state"),
    Index("ix_trades_person_id_state", "person_id", "state"),
)

verdicts = Table(
    "verdicts",
    metadata,
    id_column(),
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
    Index("ix_verdicts_trade_id", "trade_id"),
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
    Index("ix_instructions_terminal_id_sent_at", "terminal_id", "sent_at"),
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
    # The fee in the quote currency as its trade counts it, unset until there is a rate, and what gave the rate.
    Column("fee_counted", Amount),
    Column("fee_rate", String(32)),
    # The part of somebody else's execution that a trade took as its exit; unset: all of it.
    Column("taken", Amount),
    Column("maker", Boolean),
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
    Column("carried", Amount, nullable=False, server_default="0"),
)

# What an account holds that no trade of the desk explains, and why that is so: compared with the venue beside the positions.
holdings = Table(
    "holdings",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("quantity", Amount, nullable=False),
    Column("reason", String(256), nullable=False),
    Column("by_id", BigInteger),
    Column("at", Instant, nullable=False),
)

# A difference that a person has to decide about, because the venue's evidence alone does not settle it.
proposals = Table(
    "proposals",
    metadata,
    id_column(),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("subject", String(96), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", BigInteger),
    Column("answer", String(16)),
    Column("reason", String(256)),
    Index("ix_proposals_terminal_id_state", "terminal_id", "state"),
)

# How entries are sent on an instrument of a venue, what was measured there, and what is suggested and not yet applied.
routes = Table(
    "routes",
    metadata,
    Column("venue", String(32), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("offset_bps", Amount, nullable=False),
    Column("suggested_bps", Amount),
    Column("quality", String(16), nullable=False),
    Column("sample", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
