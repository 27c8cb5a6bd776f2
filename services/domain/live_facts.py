"""Whether a terminal trades real money: three facts of three people's making must agree, and then a decision must stand."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFacts:
    """What says that a terminal's money is real.

    ``setting``: its mode is live. ``host``: the venue's address is the exchange's own, not its test network's. ``confirmed``:
    whoever started the desk named the terminal.
    """

    setting: bool
    host: bool
    confirmed: bool


def require_test_network(terminal: str, venue: str, facts: LiveFacts) -> None:
    """Return when nothing says that the terminal is live; raise Misconfigured with what is missing, or with what comes next.

    REAL_MONEY: the facts disagree, so one of them is a mistake. LIVE_UNDECIDED: they agree, but going live is up to commanders,
    and no such decision can be made yet.
    """
    wanted = {
        f'terminals.{terminal}.mode is "live"': facts.setting,
        f"venues.{venue}.base_url is the exchange's own": facts.host,
        f"the start names it: sortie run --live {terminal}": facts.confirmed,
    }
    missing = [fact for fact, holds in wanted.items() if not holds]
    if len(missing) == len(wanted):
        return
    if missing:
        raise Misconfigured(
            "REAL_MONEY",
            key=f"terminals.{terminal}",
            missing="; ".join(missing),
            fix="live needs three facts that agree: take back what says live, or trade at the exchange's test network",
        )
    raise Misconfigured(
        "LIVE_UNDECIDED",
        key=f"terminals.{terminal}",
        cause="setting, host and start agree, but the commanders have not decided to go live",
        fix='going live needs a proposal, which this version does not offer: set the mode to "testnet" and its address',
    )
