"""The page of limits: what each one bounds, its unit and default, who may have a tighter one, and the check that applies it."""

from __future__ import annotations

from bot.reference.markdown import table
from bot.settings_text import entries, toml_value
from config.limits import narrower_scopes
from handlers.telegram.views.checks import MEANINGS
from services.domain.limits import RULES
from services.domain.verdicts import Unit

_UNITS = {
    Unit.FRACTION: "share of equity",
    Unit.BPS: "bps",
    Unit.SECONDS: "seconds",
    Unit.COUNT: "count",
}
_HEAD = ("key", "bounds", "default", "scopes", "check", "what it is", "passes when")
_INTRO = (
    "# Limits",
    "",
    "Every limit stands once, in `[risk]`. A narrower scope may have a value of its own, in an entry `[[risk.scoped]]`",
    "with `scope`, `subject` (a terminal's name, a person's Telegram number, a strategy's name, a tier A to D, or an",
    "instrument such as `BTC/USDT`), `limit` and `value`. Of all values that apply to an entry the tightest holds, and",
    "the check names whose it was. A limit that is not configured passes, and its check says so. Exits and reductions",
    "pass every limit.",
    "",
    "What is in flight, or of unknown outcome, counts with its full size at the dearest price that it may have.",
    "",
)


def reference_page() -> str:
    """Return the page as Markdown."""
    _, settings = entries()["risk"]
    known = {entry.key: entry for entry in settings}
    rows = []
    for limit, rule in RULES.items():
        entry = known[limit.value]
        default = "not configured" if entry.default is None else f"`{toml_value(entry.default)}`"
        scopes = ", ".join(("desk", *(narrower_scopes(limit.value) or ())))
        cells = (f"`{limit.value}`", f"{rule.bound.value}, {_UNITS[rule.unit]}", default, scopes)
        rows.append((*cells, f"`{rule.code.value}`", entry.meaning, MEANINGS[rule.code][0]))
    return "\n".join([*_INTRO, *table(_HEAD, rows)]) + "\n"
