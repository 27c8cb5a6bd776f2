"""The rooms of the chat, built side by side, and the one table of their commands."""

from __future__ import annotations

from handlers.telegram.app import App
from handlers.telegram.approvals import ApprovalHandlers
from handlers.telegram.breakers import BreakerHandlers
from handlers.telegram.commands import CommandTable
from handlers.telegram.desk import DeskHandlers
from handlers.telegram.drills import DrillHandlers
from handlers.telegram.entries import EntryHandlers
from handlers.telegram.going_live import LiveHandlers
from handlers.telegram.incidents import IncidentHandlers
from handlers.telegram.lists import Lists
from handlers.telegram.missions import MissionHandlers
from handlers.telegram.people import PeopleHandlers
from handlers.telegram.positions import PositionHandlers
from handlers.telegram.reconcile import ReconcileHandlers
from handlers.telegram.risk import RiskHandlers
from handlers.telegram.sources import SourceHandlers
from handlers.telegram.stories import StoryHandlers
from handlers.telegram.taps import Taps
from services.signals.switches import SwitchStrategy


class Rooms:
    """Every room with the same app and lists; the order of the table is the order of help and menus."""

    def __init__(self, app: App, lists: Lists, switch: SwitchStrategy) -> None:
        desk = DeskHandlers(app, lists, switch)
        missions, positions, entries = MissionHandlers(app, lists), PositionHandlers(app, lists), EntryHandlers(app)
        risk, people = RiskHandlers(app, lists), PeopleHandlers(app, lists)
        reconcile, incidents = ReconcileHandlers(app), IncidentHandlers(app, lists)
        breakers, approvals, sources = BreakerHandlers(app, lists), ApprovalHandlers(app), SourceHandlers(app, lists)
        self.table = CommandTable(
            desk.commands(),
            sources.commands(),
            missions.commands(),
            positions.commands(),
            StoryHandlers(app).commands(),
            entries.commands(),
            risk.commands(),
            breakers.commands(),
            approvals.commands(),
            LiveHandlers(app).commands(),
            people.commands(),
            reconcile.commands(),
            incidents.commands(),
            DrillHandlers(app).commands(),
        )
        desk.know(self.table)
        self.taps = Taps(
            app, lists, desk, missions, positions, entries, risk, people, reconcile, incidents, breakers, approvals, sources
        )
