"""Tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import amount, instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "access_requests",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("told_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_access_requests")),
    )
    op.create_table(
        "bindings",
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("bound_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "chat_id", name=op.f("pk_bindings")),
    )
    op.create_table(
        "cards",
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("reply_to_card", sa.String(length=96), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("has_photo", sa.Boolean(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", "chat_id", name=op.f("pk_cards")),
    )
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.create_index("ix_cards_stale_priority", ["stale", "priority"], unique=False)

    op.create_table(
        "chats",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chats")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.Column("due_at", instant(), nullable=False),
        sa.Column("done_at", instant(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duties")),
    )
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.create_index("ix_duties_due_at", ["due_at"], unique=False)

    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "halts",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=False),
        sa.Column("since", instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_halts")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.Column("opened_at", instant(), nullable=False),
        sa.Column("last_at", instant(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("closed_at", instant(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_table(
        "journal",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("correlation", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_journal")),
    )
    op.create_table(
        "leases",
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_leases")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("template", sa.String(length=48), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("not_before", instant(), nullable=True),
        sa.Column("reply_to_card", sa.String(length=96), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", instant(), nullable=True),
        sa.Column("error", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index("ix_notices_state_priority", ["state", "priority"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=True),
        sa.Column("quiet_to", sa.String(length=5), nullable=True),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.Column("granted_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("correlation", sa.String(length=64), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("done_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_table(
        "signals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=96), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("timeframe", sa.String(length=8), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("entry_low", amount(), nullable=False),
        sa.Column("entry_high", amount(), nullable=False),
        sa.Column("stop", amount(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("score_parts", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("candle_time", instant(), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.Column("drop_code", sa.String(length=32), nullable=True),
        sa.Column("drop_note", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
        sa.UniqueConstraint(
            "source", "symbol", "timeframe", "candle_time", name=op.f("uq_signals_source_symbol_timeframe_candle_time")
        ),
    )
    op.create_table(
        "stages",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("period_s", sa.Integer(), nullable=False),
        sa.Column("last_success", instant(), nullable=True),
        sa.Column("next_run", instant(), nullable=True),
        sa.Column("detail", sa.String(length=160), nullable=False),
        sa.Column("lag_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stages")),
    )
    op.create_table(
        "strategies",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_strategies")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.Column("used_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index("ix_tokens_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "universes",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("instruments", sa.JSON(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_universes")),
    )
    op.create_table(
        "updates",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("received_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name=op.f("pk_updates")),
    )
    with op.batch_alter_table("updates", schema=None) as batch_op:
        batch_op.create_index("ix_updates_state", ["state"], unique=False)

    op.create_table(
        "checklist",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(length=24), nullable=False),
        sa.Column("done_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_checklist_person_id")),
        sa.PrimaryKeyConstraint("person_id", "item", name=op.f("pk_checklist")),
    )
    op.create_table(
        "missions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("signal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("closed_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["signal_id"], ["signals.id"], name=op.f("fk_missions_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missions")),
        sa.UniqueConstraint("number", name=op.f("uq_missions_number")),
        sa.UniqueConstraint("signal_id", name=op.f("uq_missions_signal_id")),
    )
    with op.batch_alter_table("missions", schema=None) as batch_op:
        batch_op.create_index("ix_missions_state_expires_at", ["state", "expires_at"], unique=False)

    op.create_table(
        "preferences",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("loudness", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_preferences_person_id")),
        sa.PrimaryKeyConstraint("person_id", "event", name=op.f("pk_preferences")),
    )
    op.create_table(
        "terminals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("venue", sa.String(length=32), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=16), nullable=False),
        sa.Column("can_short", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("reconciled_at", instant(), nullable=True),
        sa.Column("fill_sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_terminals_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminals")),
    )
    op.create_table(
        "day_results",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("opening_equity", amount(), nullable=False),
        sa.Column("realized", amount(), nullable=False),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_day_results_terminal_id")),
        sa.PrimaryKeyConstraint("terminal_id", "day", name=op.f("pk_day_results")),
    )
    op.create_table(
        "decisions",
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_decisions_mission_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_decisions_person_id")),
        sa.PrimaryKeyConstraint("mission_id", "person_id", name=op.f("pk_decisions")),
    )
    op.create_table(
        "offers",
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("grouped", sa.Boolean(), nullable=False),
        sa.Column("offered_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_offers_mission_id")),
        sa.PrimaryKeyConstraint("mission_id", "chat_id", name=op.f("pk_offers")),
    )
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index("ix_offers_chat_id_offered_at", ["chat_id", "offered_at"], unique=False)

    op.create_table(
        "positions",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_positions_terminal_id")),
        sa.PrimaryKeyConstraint("terminal_id", "symbol", name=op.f("pk_positions")),
    )
    op.create_table(
        "previews",
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=True),
        sa.Column("size", sa.String(length=8), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("half", amount(), nullable=False),
        sa.Column("full", amount(), nullable=False),
        sa.Column("largest", amount(), nullable=False),
        sa.Column("decision_price", amount(), nullable=False),
        sa.Column("worst_price", amount(), nullable=False),
        sa.Column("loss", amount(), nullable=False),
        sa.Column("equity", amount(), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=64), nullable=False),
        sa.Column("good_until", instant(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_previews_mission_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_previews_person_id")),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_previews_terminal_id")),
        sa.PrimaryKeyConstraint("mission_id", "person_id", name=op.f("pk_previews")),
    )
    op.create_table(
        "trades",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("decision_price", amount(), nullable=False),
        sa.Column("worst_price", amount(), nullable=False),
        sa.Column("stop", amount(), nullable=False),
        sa.Column("initial_stop", amount(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("risk_money", amount(), nullable=False),
        sa.Column("currency", sa.String(length=16), nullable=False),
        sa.Column("tapped_at", instant(), nullable=False),
        sa.Column("correlation", sa.String(length=64), nullable=False),
        sa.Column("entry_quantity", amount(), nullable=False),
        sa.Column("entry_cost", amount(), nullable=False),
        sa.Column("exit_quantity", amount(), nullable=False),
        sa.Column("exit_cost", amount(), nullable=False),
        sa.Column("fees", amount(), nullable=False),
        sa.Column("dust", amount(), nullable=False),
        sa.Column("acknowledged_at", instant(), nullable=True),
        sa.Column("opened_at", instant(), nullable=True),
        sa.Column("closed_at", instant(), nullable=True),
        sa.Column("close_reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_trades_mission_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_trades_person_id")),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_trades_terminal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trades")),
        sa.UniqueConstraint("number", name=op.f("uq_trades_number")),
    )
    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.create_index("ix_trades_person_id_state", ["person_id", "state"], unique=False)
        batch_op.create_index("ix_trades_terminal_id_state", ["terminal_id", "state"], unique=False)

    op.create_table(
        "fills",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("venue_fill_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=True),
        sa.Column("trade_id", sa.String(length=32), nullable=True),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("price", amount(), nullable=False),
        sa.Column("fee", amount(), nullable=False),
        sa.Column("fee_currency", sa.String(length=16), nullable=False),
        sa.Column("time", instant(), nullable=False),
        sa.Column("booked_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_fills_terminal_id")),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_fills_trade_id")),
        sa.PrimaryKeyConstraint("terminal_id", "venue_fill_id", name=op.f("pk_fills")),
    )
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.create_index("ix_fills_trade_id", ["trade_id"], unique=False)

    op.create_table(
        "instructions",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("trade_id", sa.String(length=32), nullable=True),
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.Column("cancels", sa.JSON(), nullable=False),
        sa.Column("deadline", instant(), nullable=True),
        sa.Column("collar", amount(), nullable=True),
        sa.Column("correlation", sa.String(length=64), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", instant(), nullable=True),
        sa.Column("answered_at", instant(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_instructions_terminal_id")),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_instructions_trade_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instructions")),
    )
    with op.batch_alter_table("instructions", schema=None) as batch_op:
        batch_op.create_index("ix_instructions_state_terminal_id", ["state", "terminal_id"], unique=False)
        batch_op.create_index("ix_instructions_trade_id", ["trade_id"], unique=False)

    op.create_table(
        "verdicts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("trade_id", sa.String(length=32), nullable=True),
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("config_hash", sa.String(length=64), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_verdicts_mission_id")),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_verdicts_trade_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.create_index("ix_verdicts_at", ["at"], unique=False)

    op.create_table(
        "orders",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("venue_id", sa.String(length=64), nullable=True),
        sa.Column("instruction_id", sa.String(length=16), nullable=True),
        sa.Column("trade_id", sa.String(length=32), nullable=True),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("filled", amount(), nullable=False),
        sa.Column("price", amount(), nullable=True),
        sa.Column("stop_price", amount(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["instruction_id"], ["instructions.id"], name=op.f("fk_orders_instruction_id")),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_orders_terminal_id")),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_orders_trade_id")),
        sa.PrimaryKeyConstraint("terminal_id", "client_id", name=op.f("pk_orders")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_terminal_id_state", ["terminal_id", "state"], unique=False)
        batch_op.create_index("ix_orders_trade_id", ["trade_id"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_trade_id")
        batch_op.drop_index("ix_orders_terminal_id_state")

    op.drop_table("orders")
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.drop_index("ix_verdicts_at")

    op.drop_table("verdicts")
    with op.batch_alter_table("instructions", schema=None) as batch_op:
        batch_op.drop_index("ix_instructions_trade_id")
        batch_op.drop_index("ix_instructions_state_terminal_id")

    op.drop_table("instructions")
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.drop_index("ix_fills_trade_id")

    op.drop_table("fills")
    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.drop_index("ix_trades_terminal_id_state")
        batch_op.drop_index("ix_trades_person_id_state")

    op.drop_table("trades")
    op.drop_table("previews")
    op.drop_table("positions")
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.drop_index("ix_offers_chat_id_offered_at")

    op.drop_table("offers")
    op.drop_table("decisions")
    op.drop_table("day_results")
    op.drop_table("terminals")
    op.drop_table("preferences")
    with op.batch_alter_table("missions", schema=None) as batch_op:
        batch_op.drop_index("ix_missions_state_expires_at")

    op.drop_table("missions")
    op.drop_table("checklist")
    with op.batch_alter_table("updates", schema=None) as batch_op:
        batch_op.drop_index("ix_updates_state")

    op.drop_table("updates")
    op.drop_table("universes")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_tokens_expires_at")

    op.drop_table("tokens")
    op.drop_table("strategies")
    op.drop_table("stages")
    op.drop_table("signals")
    op.drop_table("requests")
    op.drop_table("people")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_state_priority")

    op.drop_table("notices")
    op.drop_table("leases")
    op.drop_table("journal")
    op.drop_table("incidents")
    op.drop_table("halts")
    op.drop_table("facts")
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.drop_index("ix_duties_due_at")

    op.drop_table("duties")
    op.drop_table("counters")
    op.drop_table("chats")
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.drop_index("ix_cards_stale_priority")

    op.drop_table("cards")
    op.drop_table("bindings")
    op.drop_table("access_requests")
