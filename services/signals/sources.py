"""Senders outside: let in, muted, heard again and sent away. Their secrets are shown once and kept sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from config.keys import KeyFileError
from services.access.authority import require
from services.domain.errors import NotFound, Refused
from services.domain.incidents import AlertCode
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.sources import SOURCE_NAME, Source, SourceState
from services.storage import incidents, sources
from services.storage.database import Database, Unit

MOST_SOURCES = 64
# By it the log hides secrets that it was never told of.
SECRET_PREFIX = "sig_"  # pragma: allowlist secret


class Seals(Protocol):
    """Closes a secret so that it opens for its subject alone."""

    def seal(self, subject: str, secret: str) -> str:
        """Return the closed secret; raise KeyFileError when there is no key to close it with."""
        ...

    def unseal(self, subject: str, sealed: str) -> str:
        """Return the secret; raise KeyFileError when it does not open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A new source with its secret, which nobody can read again."""

    source: Source
    secret: str


class AddSource:
    """Let a sender in; one of this name that was sent away comes back with its history and another secret."""

    def __init__(self, database: Database, seals: Seals, ids: Ids) -> None:
        self._database = database
        self._seals = seals
        self._ids = ids

    async def __call__(self, actor: Actor, name: str, *, plain: bool) -> LetIn:
        """Store the source and return its secret. ``plain`` lets it show the secret instead of signing with it.

        Raise NotAllowed below a commander, Refused for a name that is none or taken.
        """

        def allowed(unit: Unit) -> int | None:
            by = require(unit, actor, Role.COMMANDER).id if actor.kind == "person" else None
            _check_name(unit, name)
            return by

        await self._database.read(allowed)
        secret = f"{SECRET_PREFIX}{self._ids.secret()}"
        # Sealing may write the master key, which is no work for a unit.
        sealed = self._seal(name, secret)

        def body(unit: Unit) -> LetIn:
            by = allowed(unit)
            source = Source(
                name=name,
                owner_id=by,
                state=SourceState.ACTIVE,
                plain=plain,
                sealed=sealed,
                note="",
                judged_from=unit.now,
                created_at=unit.now,
            )
            sources.put(unit, source, by)
            unit.record(actor, "source.added", source=name, plain=plain)
            return LetIn(source=source, secret=secret)

        return await self._database.write(body)

    def _seal(self, name: str, secret: str) -> str:
        try:
            return self._seals.seal(name, secret)
        except KeyFileError as error:
            raise Refused("SOURCE_KEY", value=error.cause) from error


class SwitchSource:
    """Mute a source, hear it again, or send it away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, name: str, state: SourceState) -> bool:
        """Bring a source to a state; tell whether that changed anything.

        A source that is heard again starts its record anew: what it was muted for does not mute it a second time. Raise
        NotAllowed below a commander, NotFound for a source that is not let in.
        """

        def body(unit: Unit) -> bool:
            by = require(unit, actor, Role.COMMANDER) if actor.kind == "person" else None
            source = sources.find(unit, name)
            if source is None or source.state is SourceState.REMOVED:
                raise NotFound("SOURCE", reference=name[:32])
            if source.state is state:
                return False
            heard = state is SourceState.ACTIVE
            changed = replace(
                source,
                state=state,
                note="" if heard else f"by {by.name}"[:96] if by is not None else "from the shell",
                judged_from=unit.now if heard else source.judged_from,
            )
            sources.put(unit, changed, by.id if by is not None else None)
            incidents.close_incident(unit, AlertCode.SOURCE_MUTED.value, name)
            unit.record(
                actor,
                "source.heard" if heard else "source.muted" if state is SourceState.MUTED else "source.removed",
                source=name,
            )
            return True

        return await self._database.write(body)


def _check_name(unit: Unit, name: str) -> None:
    if not SOURCE_NAME.fullmatch(name):
        raise Refused("SOURCE_NAME", value=name[:32])
    known = sources.find(unit, name)
    if known is not None and known.state is not SourceState.REMOVED:
        raise Refused("SOURCE_TAKEN", value=name)
    if len(sources.everything(unit)) >= MOST_SOURCES:
        raise Refused("SOURCES_FULL", limit=MOST_SOURCES)
