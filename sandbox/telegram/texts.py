"""Texts and captions of a call: parsed by their mode, cleaned, and measured after entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.telegram import entities, html, markdown
from sandbox.telegram.entities import FormattedText
from sandbox.telegram.failures import bad, unserved
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

TEXT_CHARACTERS = 4096
CAPTION_CHARACTERS = 1024
_SOURCE_BYTES = 1 << 15

_PARSERS: dict[str, Callable[[str], FormattedText]] = {"html": html.parse, "markdownv2": markdown.parse}


def text(world: World, source: str, parse_mode: str | None, given: Sequence[JsonObject] | None) -> FormattedText:
    """Build a message's text; refuse an empty one and one over 4096 characters."""
    result = _formatted(world, source, parse_mode, given)
    if not result.text:
        raise bad("message text is empty")
    if len(result.text) > TEXT_CHARACTERS:
        raise bad("message is too long")
    return result


def caption(world: World, source: str, parse_mode: str | None, given: Sequence[JsonObject] | None) -> FormattedText:
    """Build a caption, which may be empty; refuse one over 1024 characters."""
    result = _formatted(world, source, parse_mode, given)
    if len(result.text) > CAPTION_CHARACTERS:
        raise bad("message caption is too long")
    return result


def _formatted(world: World, source: str, parse_mode: str | None, given: Sequence[JsonObject] | None) -> FormattedText:
    if (not source.isascii() and len(source.encode()) > _SOURCE_BYTES) or len(source) > _SOURCE_BYTES:
        raise bad("text is too long")
    mode = (parse_mode or "").lower()
    if mode and mode != "none":
        if mode == "markdown":
            raise unserved('the legacy parse_mode "Markdown"')
        if mode not in _PARSERS:
            raise bad("unsupported parse_mode")
        raw = _PARSERS[mode](source)
    else:
        raw = entities.explicit(source, given or ())
    return entities.clean(raw, lambda user_id: user_id in world.people)
