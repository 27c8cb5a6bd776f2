"""What scores were worth, on a phone: wins and R by band, and in words whether a higher score was a better call."""

from __future__ import annotations

from handlers.telegram.views.edge import mean_words
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import plural, win_words
from services.portfolio.calibration import Calibration, Reading

WORDS = {
    Reading.TOO_FEW: "too few to tell whether a higher score is better",
    Reading.INFORMATIVE: "a higher score won more often",
    Reading.UNINFORMATIVE: "the score does not tell winners from losers",
    Reading.INVERTED: "a higher score won LESS often",
}


def render_calibration(known: Calibration, strategy: str) -> Rendered:
    """Return the bands of one strategy's score, or of everyone's."""
    rows = []
    for band in known.bands:
        rows += [(f"{band.low}–{band.high}", win_words(band.rate)), (" mean R", mean_words(band.r))]
    said = WORDS[known.reading] + (f" (p {known.p:.2f})" if known.p is not None else "")
    about = strategy or "all sources"
    text = render("calibration", about=about, counted=plural(known.n, "mission"), said=said, rows=rows)
    return Rendered(text=text)
