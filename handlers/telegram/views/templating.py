"""The one template environment of the chat: all is escaped, nothing undefined passes, no value makes a line of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from handlers.telegram.views import format as write
from handlers.telegram.views.checks import decimal_of

LONGEST = 240
TEMPLATES = Path(__file__).parents[3] / "templates" / "telegram"


def render(template: str, /, **values: object) -> str:
    """Return the text of ``<template>.html.j2`` without empty lines; raise UndefinedError for a value that it misses."""
    text = _template(template).render(**values)
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip()).replace("\n</pre>", "</pre>")


def _tame(value: object) -> object:
    """Keep every value that a template prints on one line and within bounds."""
    return write.clip_keeping(value, LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def environment() -> Environment:
    """Return the environment with its filters, one per process."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_tame,
        auto_reload=False,
    )
    made.filters.update(
        price=write.price,
        qty=write.quantity,
        money=write.money,
        round_money=write.round_money,
        pct=write.percent,
        r=write.r_units,
        bps=write.bps,
        seconds=write.seconds,
        span=write.span,
        clock=write.clock,
        day_clock=write.day_clock,
        local=write.local,
        clip=write.clip,
        number=decimal_of,
    )
    made.globals.update(row=write.row, ago=write.ago)
    return made


@cache
def _template(name: str) -> Template:
    return environment().get_template(f"{name}.html.j2")
