"""The leases of this process, renewed while it lives; one that another took is an urgent alert."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.alerts import AlertCode, alert
from services.domain.ports import Ids
from services.storage import desk, incidents
from services.storage.database import Unit
from services.storage.desk import Lease

SUBJECT = "leases"


def renew_all(unit: Unit, ids: Ids, leases: Mapping[str, Lease], seconds: float) -> list[str]:
    """Renew what is ours and return the roles that are not any more."""
    lost = [role for role, lease in leases.items() if not desk.renew_lease(unit, lease, seconds)]
    if lost:
        alert(unit, ids, AlertCode.LEASE_LOST, SUBJECT, {"detail": f"lost: {', '.join(lost)}"})
    else:
        incidents.close_incident(unit, AlertCode.LEASE_LOST.value, SUBJECT)
    return lost
