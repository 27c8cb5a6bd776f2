"""The leases of this process, renewed while it lives; one that another took is an urgent alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from services.access.alerts import AlertCode, alert
from services.domain.ports import Ids
from services.storage import desk, incidents
from services.storage.database import Unit
from services.storage.desk import Lease

SUBJECT = "leases"


def renew_all(unit: Unit, ids: Ids, leases: Mapping[str, Lease], seconds: float) -> list[str]:
    """Renew what is ours for ``seconds`` and return the roles that are not any more."""
    lost = [role for role, lease in leases.items() if not desk.renew_lease(unit, lease, seconds)]
    if lost:
        alert(unit, ids, AlertCode.LEASE_LOST, SUBJECT, {"detail": f"lost: {', '.join(lost)}"})
    elif _is_quiet(unit, seconds):
        incidents.close_incident(unit, AlertCode.LEASE_LOST.value, SUBJECT)
    return lost


def _is_quiet(unit: Unit, seconds: float) -> bool:
    """Tell whether no process reported a loss for as long as a lease lasts: one that lost them may live on beside this one."""
    code, since = AlertCode.LEASE_LOST.value, unit.now - timedelta(seconds=seconds)
    return not any(each.code == code and each.last_at > since for each in incidents.open_incidents(unit))
