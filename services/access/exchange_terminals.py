"""The terminals that the settings name: opened, changed and taken out of use as they say."""

from __future__ import annotations

from collections.abc import Mapping

from config.groups import TerminalSettings
from services.domain.errors import Misconfigured
from services.domain.people import Actor
from services.domain.trades import Terminal, TerminalMode
from services.storage import people, terminals, trades
from services.storage.database import Unit


def take_over(
    unit: Unit, actor: Actor, named: Mapping[str, TerminalSettings], currency: str, can_short: Mapping[str, bool]
) -> None:
    """Open the terminals of the settings and take out of use those that stand there no more.

    ``can_short`` tells of each venue whether it takes short trades. Raise Misconfigured for an owner without a role, for a
    terminal that would change its venue, and for a missing one where a trade is still open.
    """
    for name, wanted in named.items():
        _open(unit, actor, name, wanted, currency, can_short=can_short.get(wanted.venue, False))
    for terminal in terminals.everything(unit):
        if terminal.mode is TerminalMode.PAPER or terminal.id in named:
            continue
        if trades.live(unit, terminal_id=terminal.id):
            raise Misconfigured(
                "TERMINAL_GONE",
                terminal=terminal.name,
                fix=f"put [terminals.{terminal.id}] back until its trades are closed",
            )
        terminals.close(unit, terminal.id)
        unit.record(actor, "terminal.closed", terminal=terminal.id)


def _open(unit: Unit, actor: Actor, name: str, wanted: TerminalSettings, currency: str, *, can_short: bool) -> None:
    if wanted.owner is not None and people.find(unit, wanted.owner) is None:
        raise Misconfigured(
            "TERMINAL_OWNER",
            terminal=name,
            owner=wanted.owner,
            fix=f"name {wanted.owner} under [people], or take `owner` out of [terminals.{name}]",
        )
    known = terminals.find(unit, name)
    if known is not None and known.venue != wanted.venue:
        raise Misconfigured(
            "TERMINAL_VENUE",
            terminal=name,
            venue=known.venue,
            fix=f"give the account at {wanted.venue} a terminal name of its own: what {name} traded was at {known.venue}",
        )
    terminal = Terminal(
        id=name,
        name=name,
        venue=wanted.venue,
        mode=TerminalMode(wanted.mode),
        owner_id=wanted.owner,
        currency=wanted.currency or currency,
        can_short=can_short,
        active=True,
        reconciled_at=None,
        rank=wanted.rank,
    )
    if terminals.add(unit, terminal):
        unit.record(actor, "terminal.opened", terminal=name, venue=wanted.venue, mode=wanted.mode, owner=wanted.owner)
