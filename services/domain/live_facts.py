"""Whether a terminal trades real money: three facts of three people's making must agree, and then a decision must stand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.domain.errors import Misconfigured

EXITS_ONLY = "exits only"
"""What a live terminal takes as long as nobody decided otherwise; changes carry it in this word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFacts:
    """What says that a terminal's money is real.

    ``setting``: its mode is live. ``host``: the venue's address is the exchange's own, not its test network's. ``confirmed``:
    whoever started the desk named the terminal.
    """

    setting: bool
    host: bool
    confirmed: bool


def is_live(terminal: str, venue: str, facts: LiveFacts) -> bool:
    """Tell whether a terminal's money is real; raise Misconfigured, REAL_MONEY, where only some of the facts say so.

    Those that disagree are somebody's mistake, and nobody knows whose.
    """
    wanted = {
        f'terminals.{terminal}.mode is "live"': facts.setting,
        f"venues.{venue}.base_url is the exchange's own": facts.host,
        f"the start names it: sortie run --live {terminal}": facts.confirmed,
    }
    missing = [fact for fact, holds in wanted.items() if not holds]
    if missing and len(missing) < len(wanted):
        raise Misconfigured(
            "REAL_MONEY",
            key=f"terminals.{terminal}",
            missing="; ".join(missing),
            fix="live needs three facts that agree: take back what says live, or trade at the exchange's test network",
        )
    return not missing


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGround:
    """Where a live terminal stands, which is what a decision to go live is about.

    ``account`` tells one key from another without giving anything of it away.
    """

    venue: str
    host: str
    account: str

    @property
    def written(self) -> str:
        """Return it in one text, as changes carry it; two grounds are the same where their texts are."""
        return f"live at {self.venue}, {self.host}, key {self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStanding:
    """What a live terminal stands on, and what was decided, both as changes carry it.

    ``ground`` is None where the three facts do not hold, ``decided`` where no decision is in force.
    """

    ground: str | None
    decided: str | None

    @property
    def holds(self) -> bool:
        """Tell whether the decision is about what is there."""
        return self.ground is not None and self.decided == self.ground

    @property
    def said(self) -> str:
        """Return what of the decision there is, in words."""
        return "not decided" if self.decided is None else f"decided: {self.decided}"


class KeyRight(StrEnum):
    """What is known of a key's right to withdraw."""

    CANNOT = "cannot withdraw"
    UNSAID = "the exchange does not say"
    UNASKED = "not asked yet"
    MAY = "MAY WITHDRAW"

    @classmethod
    def told(cls, may_withdraw: bool | None) -> KeyRight:
        """Return what a venue's answer says."""
        if may_withdraw is None:
            return cls.UNSAID
        return cls.MAY if may_withdraw else cls.CANNOT
