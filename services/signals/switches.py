"""Strategies switched on and off by a commander, kept over a restart."""

from __future__ import annotations

from collections.abc import Sequence

from services.access.authority import require
from services.domain.errors import NotFound
from services.domain.people import Actor, Role
from services.storage import desk
from services.storage.database import Database, Unit
from services.strategies.registry import Registry


class SwitchStrategy:
    """Switch a loaded strategy on or off."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def __call__(self, actor: Actor, name: str, *, enabled: bool) -> None:
        """Set the switch; raise NotFound for a strategy that is not loaded."""

        def body(unit: Unit) -> None:
            person = require(unit, actor, Role.COMMANDER, "enable" if enabled else None)
            if self._registry.get(name) is None:
                raise NotFound("STRATEGY", reference=name[:32], known=", ".join(self._registry.names()))
            desk.set_strategy(unit, name, enabled=enabled, by=person.id)
            unit.record(actor, "strategy.enabled" if enabled else "strategy.disabled", strategy=name)

        await self._database.write(body)

    async def seed(self, disabled: Sequence[str]) -> None:
        """Give every loaded strategy a switch, on unless the settings start it off; switches that exist stay."""

        def body(unit: Unit) -> None:
            known = desk.enabled_strategies(unit)
            for name in self._registry.names():
                if name not in known:
                    desk.set_strategy(unit, name, enabled=name not in disabled, by=None)

        await self._database.write(body)
