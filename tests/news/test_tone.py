"""The tone of headlines: which asset they name, and a mean that is never without its sample."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.domain.news import NewsItem
from services.market.news.tone import Mentions, tone_of, vader

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MENTIONS = Mentions(["BTC", "ETH", "SOL", "ONE", "OP"], {"ETH": ("the merge",), "SOL": (" ",)})


def said(title: str, score: float, *, feed: str = "a", hours: float = 1) -> NewsItem:
    return NewsItem(feed=feed, guid=title, link="", title=title, published_at=NOW - timedelta(hours=hours), score=score)


@pytest.mark.parametrize(
    ("title", "assets"),
    [
        ("Bitcoin climbs as ETHER stalls", {"BTC", "ETH"}),
        ("BTC/USDT breaks out", {"BTC"}),
        ("$SOL, up", {"SOL"}),
        ("sol rises over the sea", set()),
        ("Bitcoin Cash forks again", {"BCH"}),
        ("Ethereum Classic against Ethereum", {"ETC", "ETH"}),
        ("What the Merge changed", {"ETH"}),
        ("Bitcoiners, WBTC and BTCs", set()),
        ("One more rate cut", set()),
        ("OP is too short a word", set()),
        ("", set()),
    ],
)
def test_a_headline_names_assets_by_ticker_and_by_name(title: str, assets: set[str]) -> None:
    assert MENTIONS.of(title) == assets


def test_a_mean_has_its_sample_its_feeds_and_its_age() -> None:
    items = [said(f"Bitcoin {n}", score, feed="ab"[n % 2], hours=n + 1) for n, score in enumerate((0.5, -0.1, 0.2))]
    others = [said("Solana", -1.0), said("Bitcoin long ago", -1.0, hours=25)]

    found = tone_of("BTC", [*items, *others], MENTIONS, since=NOW - timedelta(hours=24), least=3)

    assert (found.n, found.feeds, found.newest_at) == (3, 2, NOW - timedelta(hours=1))
    assert found.mean == pytest.approx(0.2)


def test_below_the_least_number_there_is_no_mean() -> None:
    few = tone_of("BTC", [said("Bitcoin", 0.9)], MENTIONS, since=NOW - timedelta(hours=24), least=2)
    none = tone_of("ETH", [], MENTIONS, since=NOW, least=2)

    assert (few.n, few.mean, few.least) == (1, None, 2)
    assert (none.n, none.mean, none.newest_at, none.feeds) == (0, None, None, 0)


def test_vader_knows_good_words_from_bad_ones() -> None:
    score = vader()

    assert score("Exchange hacked, millions stolen") < -0.3 < 0.3 < score("Great win for investors, strong growth")
    assert score("The 900000th page was printed") == 0
