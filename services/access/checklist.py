"""A new trader's checklist: five things to try, ticked by doing them."""

from __future__ import annotations

from services.domain.cards import checklist_card
from services.domain.people import Person, Role
from services.storage import outbox, people
from services.storage.database import Unit

ITEMS = ("fire", "proof", "move_stop", "refused", "close")


def offer(unit: Unit, person: Person) -> bool:
    """Show the checklist as a new message while something of it is left; tell whether it was shown."""
    if person.role < Role.TRADER or people.ticked(unit, person.id) >= set(ITEMS):
        return False
    outbox.show(unit, checklist_card(person.id), person.id, silent=True, anew=True)
    return True


def tick(unit: Unit, person_id: int, item: str) -> bool:
    """Tick an item for a known person and refresh the card; tell whether it was new. The last one is celebrated once."""
    if people.find(unit, person_id) is None or not people.tick(unit, person_id, item):
        return False
    outbox.refresh(unit, checklist_card(person_id))
    if people.ticked(unit, person_id) >= set(ITEMS):
        outbox.tell(unit, person_id, "checklist_done", {"items": len(ITEMS)}, silent=True)
    return True
