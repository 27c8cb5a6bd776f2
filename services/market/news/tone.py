"""How headlines sound about an asset: VADER's compound score, with how many, from how many feeds and how old.

C. J. Hutto, E. Gilbert: VADER, a parsimonious rule-based model for sentiment analysis of social media text (ICWSM 2014). It
knows everyday English, so many headlines of markets score 0; the mean says little, and nothing at all without its sample.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from services.domain.news import NewsItem, SourceTrouble, Trouble

SHORTEST_TICKER = 3
NAMES: Mapping[str, tuple[str, ...]] = {
    "ADA": ("cardano",),
    "BCH": ("bitcoin cash",),
    "BTC": ("bitcoin",),
    "DOGE": ("dogecoin",),
    "DOT": ("polkadot",),
    "ETC": ("ethereum classic",),
    "ETH": ("ethereum", "ether"),
    "LINK": ("chainlink",),
    "LTC": ("litecoin",),
    "SOL": ("solana",),
    "TRX": ("tron",),
    "XMR": ("monero",),
    "XRP": ("ripple",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """What headlines come to about an asset: ``mean`` from -1 to 1, None where ``n`` is below ``least``."""

    asset: str
    n: int
    least: int
    feeds: int
    mean: float | None
    newest_at: datetime | None


def vader() -> Callable[[str], float]:
    """Return what scores a headline from -1 to 1; raise SourceTrouble where it is not installed."""
    try:
        module = importlib.import_module("vaderSentiment.vaderSentiment")
    except ImportError as error:
        fix = "python deploy/environment.py news installs it"
        raise SourceTrouble(Trouble.NO_READER, f"what scores headlines is not installed: {fix}") from error
    analyzer = module.SentimentIntensityAnalyzer()
    return lambda title: float(analyzer.polarity_scores(title)["compound"])


class Mentions:
    """Finds which assets a headline is about: tickers in capitals, names in any, the longest name first."""

    def __init__(self, assets: Iterable[str], words: Mapping[str, Sequence[str]]) -> None:
        known = sorted(set(assets))
        # Names of assets that nobody trades take their part too: "bitcoin cash" says nothing about bitcoin.
        names = {**NAMES, **{asset: (*NAMES.get(asset, ()), *words.get(asset, ())) for asset in {*known, *words}}}
        self._of_name = {name.lower(): asset for asset, each in names.items() for name in each if name.strip()}
        longest_first = sorted(self._of_name, key=len, reverse=True)
        self._names = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
        self._tickers = {each for each in known if len(each) >= SHORTEST_TICKER}
        self._words = re.compile(r"[A-Z0-9]+(?![a-z])")

    def of(self, title: str) -> frozenset[str]:
        """Return the assets that a headline names."""
        named = {self._of_name[found.lower()] for found in self._names.findall(title)}
        return frozenset(named | (self._tickers & set(self._words.findall(title))))


def tone_of(asset: str, items: Iterable[NewsItem], mentions: Mentions, *, since: datetime, least: int) -> Tone:
    """Return how the items from ``since`` on sound about an asset."""
    found = [each for each in items if each.published_at >= since and asset in mentions.of(each.title)]
    return Tone(
        asset=asset,
        n=len(found),
        least=least,
        feeds=len({each.feed for each in found}),
        mean=fmean(each.score for each in found) if len(found) >= least else None,
        newest_at=max((each.published_at for each in found), default=None),
    )
