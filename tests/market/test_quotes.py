"""The board of newest quotes."""

from datetime import timedelta

from services.domain.market import Quote
from services.market.quotes import QuoteBoard
from tests.venues.hands import BTC, ETH, START, quote


def test_newest_quote_of_each_symbol_is_kept_and_told() -> None:
    board, told = QuoteBoard(), list[Quote]()
    board.subscribe(told.append)
    first, other = quote("1", "2", START), quote("5", "6", START, symbol=ETH.symbol)
    later = quote("3", "4", START + timedelta(seconds=1))

    kept = [board.put(each) for each in (first, other, later)]

    assert kept == [True, True, True]
    assert board.latest(BTC.symbol) == later
    assert board.all() == [later, other]
    assert told == [first, other, later]
    assert board.latest("NO/SUCH") is None


def test_quote_that_was_received_earlier_is_neither_kept_nor_told() -> None:
    board, told = QuoteBoard(), list[Quote]()
    board.put(quote("3", "4", START))
    board.subscribe(told.append)

    assert not board.put(quote("1", "2", START - timedelta(seconds=1)))
    assert told == []


def test_stamp_that_goes_back_is_kept_and_shows_its_age() -> None:
    board = QuoteBoard()
    board.put(quote("3", "4", START))
    now = START + timedelta(seconds=1)
    back = Quote(
        symbol=BTC.symbol,
        bid=quote("3", "4", now).bid,
        ask=quote("3", "4", now).ask,
        bid_size=quote("3", "4", now).bid_size,
        ask_size=quote("3", "4", now).ask_size,
        feed_time=START - timedelta(hours=1),
        received_at=now,
    )

    assert board.put(back)
    kept = board.latest(BTC.symbol)
    assert kept is not None
    assert kept.age(now) == timedelta(hours=1, seconds=1)
