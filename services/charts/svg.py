"""From a picture's description to SVG text: the same drawing for a page and, through resvg, for the chat."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from services.charts.chart_model import chart_model
from services.charts.curve_model import curve_model
from services.charts.equity_model import equity_model
from services.charts.spec import ChartSpec, CurveSpec, PictureSpec

TEMPLATES = Path(__file__).parents[2] / "templates" / "charts"


def render_svg(spec: PictureSpec) -> str:
    """Return the picture as an SVG document of 900 by 600 user units, without scripts, styles or outside references."""
    if isinstance(spec, ChartSpec):
        return _template("mission.svg.j2").render(chart=chart_model(spec))
    if isinstance(spec, CurveSpec):
        return _template("curve.svg.j2").render(chart=curve_model(spec))
    return _template("equity.svg.j2").render(chart=equity_model(spec))


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["px"] = lambda value: f"{value:.1f}"
    return environment.get_template(name)
