"""What other parts of the desk say of an entry, put together for the gate."""

from __future__ import annotations

from config.settings import Settings
from services.domain.inputs import EntryInput, InputName
from services.domain.ports import QuoteSource
from services.market.news.blackouts import CalendarBoard
from services.risk.call_vitality import CallVitality
from services.risk.inputs import Inputs
from services.risk.score_calibration import CalibrationBoard


def build_inputs(settings: Settings, quotes: QuoteSource, calibrations: CalibrationBoard, calendar: CalendarBoard) -> Inputs:
    """Build the gate's inputs; a part that is not there has no data."""
    parts: dict[InputName, EntryInput] = {
        InputName.VITALITY: CallVitality(quotes, settings.inputs.vitality_least),
        InputName.CALIBRATION: calibrations,
    }
    if settings.calendar.there:
        parts[InputName.NEWS] = calendar
    return Inputs(settings.inputs, parts)
