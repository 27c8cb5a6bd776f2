"""``sortie keys``: a venue's keys are typed at the desk's machine, sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Callable

from config.keys import KeyFileError, KeyStore
from config.settings import Settings
from handlers.cli.console import say

DONE, FAILED = 0, 1
# What is asked for, and whether there must be an answer.
ASKED = (("api_key", "API key", True), ("secret", "Secret", True), ("password", "Passphrase", False), ("uid", "Account", False))

Ask = Callable[[str, bool], str]
"""Asks for a value without showing it; the flag says that it may be left empty."""


def set_keys(settings: Settings, store: KeyStore, venue: str, ask: Ask) -> int:
    """Ask for a venue's keys and seal them; return the exit code."""
    if venue not in settings.venues:
        say(f"there is no [venues.{venue}]; there are {', '.join(sorted(settings.venues))}", error=True)
        return FAILED
    given = {name: ask(label, not needed).strip() for name, label, needed in ASKED}
    missing = [label for name, label, needed in ASKED if needed and not given[name]]
    if missing:
        say(f"nothing was kept: {' and '.join(missing)} may not be empty", error=True)
        return FAILED
    try:
        store.write(venue, {name: value for name, value in given.items() if value})
    except KeyFileError as error:
        return _failed(error)
    say(f"The keys of {venue} are sealed. A desk that runs takes them at its next start; `sortie doctor` tries them.")
    return DONE


def list_keys(settings: Settings, store: KeyStore) -> int:
    """Say of each venue where its keys come from, never what they are; return the exit code."""
    try:
        sealed = set(store.names())
        for name in sorted(settings.venues.keys() | sealed):
            say(f"{name}: {_origin(settings, store, name, sealed=name in sealed)}")
    except KeyFileError as error:
        return _failed(error)
    return DONE


def forget_keys(store: KeyStore, venue: str) -> int:
    """Remove a venue's sealed keys; return the exit code."""
    try:
        known = store.forget(venue)
    except KeyFileError as error:
        return _failed(error)
    say(
        f"The keys of {venue} are gone from here. Delete them at the exchange too."
        if known
        else f"no keys of {venue} are sealed"
    )
    return DONE if known else FAILED


def _origin(settings: Settings, store: KeyStore, name: str, *, sealed: bool) -> str:
    venue = settings.venues.get(name)
    if venue is None:
        return "sealed, for a venue that the settings do not name"
    if venue.secret_file is not None:
        return f"from {venue.secret_file}" + (", which wins over the sealed ones" if sealed else "")
    if venue.api_key is None:
        return "none"
    if sealed and store.read(name).get("api_key") == venue.api_key.get_secret_value():
        return "sealed"
    return "from the settings" + (", which win over the sealed ones" if sealed else "")


def _failed(error: KeyFileError) -> int:
    say(error.cause, error=True)
    say(f"fix: {error.fix}", error=True)
    return FAILED
