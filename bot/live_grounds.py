"""Which terminals trade real money in this run, and where each of them stands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from config.groups import VenueSettings
from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.live_facts import LiveFacts, LiveGround, is_live
from services.venues.ccxt_client import has_real_money

FINGERPRINT = 8


def live_grounds(settings: Settings, confirmed: frozenset[str]) -> dict[str, LiveGround]:
    """Return where each live terminal stands, by its name; ``confirmed`` are those that the start names as live.

    Raise Misconfigured for a name that is no terminal (LIVE_UNKNOWN), where only some of the three facts say that money is
    real (REAL_MONEY), and for keys that cannot be read (VENUE_KEYS).
    """
    for name in sorted(confirmed - settings.terminals.keys()):
        raise Misconfigured(
            "LIVE_UNKNOWN", cause=f"--live {name}: there is no [terminals.{name}]", fix="name one that there is"
        )
    return {
        name: ground_at(terminal.venue, settings.venues[terminal.venue])
        for name, terminal in settings.terminals.items()
        if is_live(name, terminal.venue, facts_of(settings, name, confirmed=name in confirmed))
    }


def facts_of(settings: Settings, name: str, *, confirmed: bool) -> LiveFacts:
    """Return what says of one terminal of the settings that its money is real."""
    terminal = settings.terminals[name]
    return LiveFacts(
        setting=terminal.mode == "live",
        host=has_real_money(terminal.venue, settings.venues[terminal.venue]),
        confirmed=confirmed,
    )


def ground_at(name: str, venue: VenueSettings) -> LiveGround:
    """Return where a venue's real money is: its address, and which key opens it; another key may be another account's."""
    host = urlsplit(venue.base_url).hostname if venue.base_url is not None else None
    return LiveGround(venue=name, host=host or f"{venue.exchange}'s own", account=_fingerprint(name, venue))


def _fingerprint(name: str, venue: VenueSettings) -> str:
    try:
        held: Mapping[str, str] = venue.credentials()
    except (OSError, ValueError) as error:
        raise Misconfigured(
            "VENUE_KEYS",
            key=f"venues.{name}",
            cause=f"the keys cannot be read: {type(error).__name__}",
            fix="see whether the file is there and holds JSON; sortie doctor tries the keys",
        ) from error
    said = "\n".join(held.get(part, "") for part in ("api_key", "uid"))
    return hashlib.sha256(said.encode()).hexdigest()[:FINGERPRINT]
