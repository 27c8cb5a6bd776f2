"""Strategies switched on, off and to the sandbox by a commander, kept over a restart."""

from __future__ import annotations

from collections.abc import Sequence

from services.access.authority import require
from services.domain.errors import NotFound
from services.domain.people import Actor, Role
from services.domain.signals import StrategyState
from services.storage import desk
from services.storage.database import Database, Unit
from services.strategies.registry import Registry


class SwitchStrategy:
    """Set the state of a loaded strategy."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def __call__(self, actor: Actor, name: str, state: StrategyState) -> None:
        """Set the state; raise NotFound for a strategy that is not loaded."""

        def body(unit: Unit) -> None:
            person = require(unit, actor, Role.COMMANDER, "enable" if state is StrategyState.ENABLED else None)
            if self._registry.get(name) is None:
                raise NotFound("STRATEGY", reference=name[:32], known=", ".join(self._registry.names()))
            desk.set_strategy(unit, name, state, by=person.id)
            unit.record(actor, f"strategy.{state.value}", strategy=name)

        await self._database.write(body)

    async def seed(self, *, disabled: Sequence[str], sandboxed: Sequence[str]) -> None:
        """Give every loaded strategy a state, enabled unless the settings start it lower; states that exist stay."""

        def body(unit: Unit) -> None:
            known = desk.strategy_states(unit)
            for name in self._registry.names():
                if name not in known:
                    lower = StrategyState.SANDBOXED if name in sandboxed else StrategyState.ENABLED
                    desk.set_strategy(unit, name, StrategyState.DISABLED if name in disabled else lower, by=None)

        await self._database.write(body)
