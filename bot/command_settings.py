"""The settings of a shell command, with what they need in place. Nothing heavy is imported until they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import Settings


def command_settings(*, keys_needed: bool = True) -> Settings:
    """Return the settings and let the command's log follow them; without ``keys_needed`` sealed keys stay sealed.

    Raise Misconfigured for settings that cannot be used.
    """
    from bot.logging import configure_shell_logging
    from config.settings import load_settings

    settings = load_settings(keys_needed=keys_needed)
    configure_shell_logging(settings)
    if not settings.database_url.startswith("sqlite"):
        from bot.extras import DRIVER, ensure

        ensure(DRIVER)
    if settings.alerts.urls or settings.alerts.urls_file is not None:
        from bot.extras import CHANNELS, ensure

        ensure(CHANNELS)
    return settings
