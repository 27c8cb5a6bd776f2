"""``sortie keys``: venue keys go in here, by hand, and never through the chat."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.command_settings import command_settings

keys = typer.Typer(help="Seal the keys of venues, say whose there are, or forget them.", no_args_is_help=True)


@keys.command("set")
def keys_set(venue: Annotated[str, typer.Argument(help="Name of the venue under [venues].")]) -> None:
    """Ask for a venue's keys without showing them, and keep them sealed."""
    from handlers.cli.keys import set_keys

    def ask(label: str, optional: bool) -> str:
        return str(
            typer.prompt(f"{label} (may be empty)" if optional else label, hide_input=True, default="", show_default=False)
        )

    settings = command_settings(keys_needed=False)
    raise typer.Exit(set_keys(settings, settings.key_store, venue, ask))


@keys.command("list")
def keys_list() -> None:
    """Say of each venue where its keys come from; none is shown."""
    from handlers.cli.keys import list_keys

    settings = command_settings(keys_needed=False)
    raise typer.Exit(list_keys(settings, settings.key_store))


@keys.command("forget")
def keys_forget(venue: Annotated[str, typer.Argument(help="Name of the venue.")]) -> None:
    """Remove a venue's sealed keys."""
    from handlers.cli.keys import forget_keys

    raise typer.Exit(forget_keys(command_settings(keys_needed=False).key_store, venue))
