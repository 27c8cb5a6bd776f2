"""The keys of cards: one message each, found again by what it shows."""

from __future__ import annotations

INCIDENTS = "incident:"


def mission_card(mission_id: str) -> str:
    """Return the key of a mission's card."""
    return f"mission:{mission_id}"


def preview_card(mission_id: str, person_id: int) -> str:
    """Return the key of a trader's preview of a mission."""
    return f"preview:{mission_id}:{person_id}"


def trade_card(trade_id: str) -> str:
    """Return the key of a trade's card."""
    return f"trade:{trade_id}"


def grouped_card(day: str) -> str:
    """Return the key of the silent card that gathers a day's missions beyond the quota of a chat."""
    return f"grouped:{day}"


def halt_card() -> str:
    """Return the key of the desk's halt card."""
    return "halt:desk"


def checklist_card(person_id: int) -> str:
    """Return the key of a new person's checklist."""
    return f"checklist:{person_id}"


def incident_card(incident_id: str) -> str:
    """Return the key of an incident's card."""
    return f"{INCIDENTS}{incident_id}"


def handover_card(person_id: int) -> str:
    """Return the key of the card that lists what a person left behind."""
    return f"handover:{person_id}"


def approval_card(approval_id: str) -> str:
    """Return the key of the card of a question that waits for a second person."""
    return f"approval:{approval_id}"
