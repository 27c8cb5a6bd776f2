"""From a list's name to all of its rows, in one read; views cut the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.domain.people import Role
from services.reporting.desk_lists import (
    MissionsList,
    RiskList,
    StrategiesList,
    TerminalsList,
    UniverseList,
    missions_list,
    risk_list,
    strategies_list,
    terminals_list,
    universe_list,
)
from services.reporting.incident_list import IncidentsList, incidents_list
from services.reporting.live import Live
from services.reporting.people_lists import (
    ChatsList,
    NotifyList,
    PeopleList,
    SettingsList,
    chats_list,
    notify_list,
    people_list,
    settings_list,
)
from services.reporting.trading_lists import (
    BalanceList,
    HistoryList,
    OrdersList,
    PnlList,
    PositionsList,
    balance_list,
    history_list,
    orders_list,
    pnl_list,
    positions_list,
)
from services.reporting.viewer import Terms, Viewer, read_viewer
from services.storage.database import Unit

ListData = (
    PositionsList
    | OrdersList
    | HistoryList
    | BalanceList
    | PnlList
    | RiskList
    | MissionsList
    | UniverseList
    | TerminalsList
    | StrategiesList
    | PeopleList
    | ChatsList
    | NotifyList
    | SettingsList
    | IncidentsList
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    unit: Unit
    viewer: Viewer
    live: Live
    terms: Terms
    arg: str


_READERS: Mapping[str, Callable[[_Question], ListData | None]] = {
    "positions": lambda q: positions_list(q.unit, q.viewer, q.live, q.arg),
    "orders": lambda q: orders_list(q.unit, q.viewer, q.live),
    "history": lambda q: history_list(q.unit, q.viewer, q.live, q.arg),
    "balance": lambda q: balance_list(q.unit, q.viewer, q.live),
    "pnl": lambda q: pnl_list(q.unit, q.viewer, q.live, q.arg),
    "risk": lambda q: risk_list(q.unit, q.viewer, q.live, q.terms),
    "missions": lambda q: missions_list(q.unit, q.viewer, q.live),
    "universe": lambda q: universe_list(q.unit, q.live),
    "terminals": lambda q: terminals_list(q.unit, q.viewer, q.live),
    "strategies": lambda q: strategies_list(
        q.unit, q.live, q.terms, may_switch=q.viewer.private and q.viewer.role is Role.COMMANDER
    ),
    "people": lambda q: people_list(q.unit, q.viewer, q.live),
    "chats": lambda q: chats_list(q.unit, q.live),
    "notify": lambda q: notify_list(q.unit, q.viewer, q.live),
    "incidents": lambda q: incidents_list(q.unit, q.live),
    "settings": lambda q: settings_list(q.unit, q.viewer, q.live),
}
LISTS = frozenset(_READERS)
_PERSONAL = frozenset({"notify", "settings"})


def read_list(
    unit: Unit, name: str, *, person_id: int, chat_id: int, live: Live, terms: Terms, arg: str = ""
) -> ListData | None:
    """Return a list as this person may read it in this chat, or None when there is none of that name for them.

    ``chat_id`` is where it will be shown: an answer in private has the person's own id. What a role may see at all is the
    caller's question; whose figures and whether they are money is decided here.
    """
    reader = _READERS.get(name)
    if reader is None:
        return None
    viewer = read_viewer(unit, person_id, chat_id, live)
    if name in _PERSONAL and not viewer.private:
        return None
    return reader(_Question(unit=unit, viewer=viewer, live=live, terms=terms, arg=arg.strip().lower()))


__all__ = ["LISTS", "ListData", "Terms", "Viewer", "read_list"]
