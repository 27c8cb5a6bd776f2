"""What all tables share. Amounts are exact: canonical text on SQLite, NUMERIC on PostgreSQL; times are aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
    MetaData,
    Numeric,
    String,
    TypeDecorator,
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
    """An exact decimal: text on SQLite, whose NUMERIC is a float; elsewhere NUMERIC without a scale, which would round."""

    impl = String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database."""
        return dialect.type_descriptor(String(64) if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write canonically."""
        if value is None:
            return None
        text = canonical(value)
        return text if dialect.name == "sqlite" else Decimal(text)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read back exactly; PostgreSQL keeps zeros behind the point that were written."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "sqlite" else Decimal(canonical(Decimal(value)))


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


def id_column(name: str = "id") -> Column[str]:
    """Return the primary key of a row that has an id of ours."""
    return Column(name, String(32), primary_key=True)
