"""The page of metrics and of the objectives that are judged by them."""

from __future__ import annotations

from bot.reference.markdown import code, table
from services.operations.metrics import METRICS
from services.operations.slo import OBJECTIVES

HEAD = """# Metrics

What `/metrics` shows when [`web.port`](settings.md) is set; [monitoring](../monitoring.md) says how to read it. Times are in
seconds. A histogram `NAME` has the series `NAME_bucket`, `NAME_count` and `NAME_sum`. No metric carries a symbol, a person's
name, an id or an amount of money.
"""
OBJECTIVES_HEAD = """
## Objectives

What `/slo` judges, and the alert rules in `deploy/prometheus/sortie-rules.yml`.
"""


def reference_page() -> str:
    """Return the Markdown page that lists every metric and every objective."""
    rows = [(code(each.name), each.kind.value, ", ".join(code(label) for label in each.labels), each.about) for each in METRICS]
    promised = [
        (code(each.name), f"{each.quantile:.0%}".replace("%", " %"), f"{each.target_s:g}", code(each.metric.name), each.about)
        for each in OBJECTIVES
    ]
    return "\n".join(
        [
            HEAD,
            *table(("metric", "type", "labels", "what it is"), rows),
            OBJECTIVES_HEAD,
            *table(("objective", "of all", "within", "metric", "what is within it"), promised),
            "",
        ]
    )
