"""The inputs of other parts, asked for one entry; a part that is not there has no data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from config.inputs import InputSettings
from services.domain.inputs import EntryInput, InputName, InputState
from services.domain.signals import Signal


class Inputs:
    """Asks every input; ``parts`` are those that are there."""

    def __init__(self, settings: InputSettings, parts: Mapping[InputName, EntryInput]) -> None:
        self._settings = settings
        self._parts = parts

    def about(self, signal: Signal, now: datetime) -> Mapping[InputName, InputState]:
        """Return what each input says of an entry, with whether it is required."""
        return {
            name: InputState(
                required=getattr(self._settings, name.value),
                answer=self._parts[name].about(signal, now) if name in self._parts else None,
            )
            for name in InputName
        }
