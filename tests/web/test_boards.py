"""The board and the alert rules in deploy/ speak of metrics that exist, and say where help is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deploy.monitoring import BOARD, RULES, Rule, files, rules
from services.domain.incidents import AlertCode
from services.operations.metrics import METRICS
from services.operations.slo import OBJECTIVES

ROOT = Path(__file__).resolve().parents[2]
SERIES = {name: metric for metric in METRICS for name in metric.series}
_NAME = re.compile(r"\bsortie_\w+\b")
_LABELS = re.compile(r"\b(sortie_\w+)\{([^}]*)\}")
_BY = re.compile(r"by \(([^)]*)\) \(\w+\((sortie_\w+)")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def flaws(expr: str) -> list[str]:
    """Return what an expression asks for that no metric has."""
    found = [f"{name} is no series" for name in _NAME.findall(expr) if name not in SERIES]
    for name, matched in _LABELS.findall(expr):
        known = set(SERIES[name].labels) if name in SERIES else set()
        found += [f"{name} has no label {label}" for label in re.findall(r"(\w+)\s*[=!]", matched) if label not in known]
    for labels, name in _BY.findall(expr):
        known = {"le", *SERIES[name].labels} if name in SERIES else {"le"}
        found += [f"{name} has no label {label}" for label in re.split(r",\s*", labels) if label and label not in known]
    return found


def panels() -> list[dict[str, object]]:
    shown: list[dict[str, object]] = json.loads(BOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in shown if panel["type"] != "row"]


def test_the_files_are_what_the_code_writes() -> None:
    for file, text in files().items():
        assert file.read_text(encoding="utf-8") == text, "run `python -m deploy.monitoring`"


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: re.sub(r"\W+", "-", f"{panel['id']} {panel['title']}"))
def test_a_panel_asks_for_what_there_is(panel: dict[str, object]) -> None:
    targets = panel["targets"]
    assert isinstance(targets, list)
    assert targets
    for target in targets:
        assert flaws(target["expr"]) == []
        names = _NAME.findall(target["expr"])
        labels = {label for name in names for label in SERIES[name].labels}
        assert set(_LEGEND.findall(target["legendFormat"])) <= labels


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        assert isinstance(place, dict)
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_asks_for_what_there_is_and_names_its_help(rule: Rule) -> None:
    assert flaws(rule.expr) == []
    code = rule.runbook.split(":")[0]
    page = re.match(r"docs/[\w./-]+\.md", rule.runbook)
    assert code in set(AlertCode) or (page is not None and (ROOT / page.group()).exists()), rule.runbook
    assert rule.name in RULES.read_text(encoding="utf-8")


def test_every_objective_has_its_rule_with_its_limit() -> None:
    by_metric = {rule.name.removeprefix("SortieSlo").lower(): rule for rule in rules() if "Slo" in rule.name}

    assert by_metric.keys() == {each.name.replace("_", "") for each in OBJECTIVES}
    for each in OBJECTIVES:
        rule = by_metric[each.name.replace("_", "")]
        assert each.metric.name in rule.expr
        assert f"> {each.target_s:g}" in rule.expr


@pytest.mark.parametrize(
    "expr",
    [
        "sortie_tap_to_ordr_seconds_bucket",
        "sortie_tap_to_order_seconds > 1",
        'sortie_open_incidents{gravity="urgent"} > 0',
        "sum by (symbol) (rate(sortie_venue_errors_total[5m]))",
    ],
    ids=["misspelt", "histogram-itself", "no-such-label", "grouped-by-nothing"],
)
def test_a_wrong_expression_is_noticed(expr: str) -> None:
    assert flaws(expr)
