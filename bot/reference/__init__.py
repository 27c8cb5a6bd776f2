"""The reference pages under docs/reference, written from the code and tested against it.

To add a page, add a row to ``PAGES``: the file's name and the function, as ``module:function``, that returns its Markdown.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = {
    "alerts.md": "handlers.telegram.views.reference:alert_reference",
    "commands.md": "bot.reference.commands:reference_page",
    "denials.md": "handlers.telegram.views.reference:denial_reference",
    "events.md": "bot.reference.events:reference_page",
    "limits.md": "bot.reference.limits:reference_page",
    "../runbooks.md": "handlers.telegram.views.reference:runbook_pages",
    "metrics.md": "bot.reference.metrics:reference_page",
    "settings.md": "bot.settings_text:reference_page",
}


def page(name: str) -> str:
    """Return what a page must say."""
    module, function = PAGES[name].split(":")
    return str(getattr(import_module(module), function)())


def write_pages() -> list[Path]:
    """Write every page and return the ones that changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    changed = []
    for name in PAGES:
        file, text = FOLDER / name, page(name)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(file)
    return changed
