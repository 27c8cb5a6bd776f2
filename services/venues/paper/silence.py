"""Cancel on silence: an account that is not heard of in time loses its entries, as of that time, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.domain.orders import OrderRole
from services.domain.states import OrderState
from services.venues.paper.book import Draft

REASON = "SILENCE"


def hear(draft: Draft, account: str, now: datetime, seconds: float) -> None:
    """Give an account so many seconds from now; a silence that is over by then has had its effect first."""
    draft.account(account)
    end_silences(draft, now)
    draft.silences[account] = now + timedelta(seconds=seconds)


def forget(draft: Draft, account: str, now: datetime) -> None:
    """Let an account be silent for as long as it likes."""
    draft.account(account)
    end_silences(draft, now)
    if account in draft.book.silences:
        draft.silences[account] = None


def end_silences(draft: Draft, now: datetime) -> None:
    """Cancel the entries of every account whose time is over; stops, targets and closes stay."""
    for account, ends_at in draft.book.silences.items():
        if ends_at > now:
            continue
        draft.silences[account] = None
        for order in list(draft.live_of_account(account)):
            if order.request.role is OrderRole.ENTRY:
                draft.finish(order, OrderState.CANCELED, REASON, max(ends_at, order.updated_at))
