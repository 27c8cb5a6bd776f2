"""``sortie source``: senders outside, at the desk's machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.command_settings import command_settings

source = typer.Typer(help="Let senders of alerts in, mute them, send them away, and try an alert.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the source: a letter, then a-z, 0-9 and -.")]


@source.command("add")
def source_add(
    name: Name,
    plain: Annotated[bool, typer.Option("--plain", help="It may show its secret instead of signing with it.")] = False,
) -> None:
    """Let a sender in and print its secret, once."""
    from bot.system import SystemClock, SystemIds
    from handlers.cli.sources import add_source

    raise typer.Exit(add_source(command_settings(), SystemClock(), SystemIds(), name, plain=plain))


@source.command("list")
def source_list() -> None:
    """Say who may send alerts, and who is muted."""
    from bot.system import SystemClock
    from handlers.cli.sources import list_sources

    raise typer.Exit(list_sources(command_settings(), SystemClock()))


@source.command("mute")
def source_mute(name: Name) -> None:
    """Record a sender's alerts and offer none."""
    _switch(name, "muted")


@source.command("hear")
def source_hear(name: Name) -> None:
    """Offer a muted sender's alerts again; its record starts anew."""
    _switch(name, "active")


@source.command("remove")
def source_remove(name: Name) -> None:
    """Send a sender away: its secret opens nothing any more."""
    _switch(name, "removed")


@source.command("test")
def source_test(
    name: Name, file: Annotated[Path, typer.Argument(help="A file with the body as it would be posted.", exists=True)]
) -> None:
    """Say what would become of an alert that this sender posted now; the running desk is asked, and nothing changes."""
    from functools import partial

    from bot.source_probe import ask_desk
    from bot.system import SystemClock
    from handlers.cli.sources import try_alert

    settings, clock = command_settings(), SystemClock()
    raise typer.Exit(try_alert(settings, clock, name, file, partial(ask_desk, settings.web, clock)))


def _switch(name: str, state: str) -> None:
    from bot.system import SystemClock, SystemIds
    from handlers.cli.sources import switch_source
    from services.domain.sources import SourceState

    raise typer.Exit(switch_source(command_settings(), SystemClock(), SystemIds(), name, SourceState(state)))
