"""Accounts over a restart: books, counters and time go on where they stood, on the same market only."""

import argparse
import os
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.exchange.arguments import add_arguments, build_exchange, build_market
from sandbox.exchange.errors import StateError
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.list_placing import place_pair
from sandbox.exchange.orders import OrderType, Side, Status, Ticket
from tests.sandbox_exchange.stand import HandClock

SYMBOL = "BTCUSDT"


def started(folder: Path, clock: HandClock, *more: str) -> Exchange:
    """Start an exchange as the program does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path)
    add_arguments(parser)
    flags = ["--state", str(folder), "--start", "600", "--accounts", str(folder / "accounts.json"), *more]
    args = parser.parse_args(flags)
    return build_exchange(args, build_market(args, clock))


def trade(exchange: Exchange) -> None:
    """Buy, then leave a pair of exits behind."""
    engine, account = exchange.engine, exchange.engine.accounts["main"]
    last = engine.moment(SYMBOL).last
    engine.place(account, Ticket(symbol=SYMBOL, side=Side.BUY, type=OrderType.MARKET, client_id="in", quantity=Decimal("0.1")))
    sells = {"symbol": SYMBOL, "side": Side.SELL, "quantity": Decimal("0.09")}
    above = Ticket(type=OrderType.LIMIT_MAKER, client_id="up", price=(last * 2).quantize(Decimal("0.01")), **sells)
    below = Ticket(type=OrderType.STOP_LOSS, client_id="down", stop_price=(last / 2).quantize(Decimal("0.01")), **sells)
    place_pair(engine, account, above, below, "exits")
    exchange.keep()


def test_the_books_go_on_as_they_stood(tmp_path: Path) -> None:
    clock = HandClock()
    before = started(tmp_path, clock)
    trade(before)
    clock.forward(3)
    after = started(tmp_path, clock)
    old, new = before.engine.accounts["main"], after.engine.accounts["main"]

    assert new == old and new.secret == old.secret
    assert after.engine.books.counters == before.engine.books.counters
    assert os.stat(tmp_path / "exchange.sqlite").st_mode & 0o777 == 0o600
    target = new.by_client_id(SYMBOL, "up")
    assert target is not None and after.engine.cancel(new, target).status is Status.CANCELED
    assert new.balance("BTC").locked == 0


def test_what_happens_while_it_is_down_is_made_up_for(tmp_path: Path) -> None:
    clock = HandClock()
    down, up = started(tmp_path / "down", clock), started(tmp_path / "up", clock)
    for exchange in (down, up):
        engine, account = exchange.engine, exchange.engine.accounts["main"]
        price = (engine.moment(SYMBOL).last * Decimal("0.999")).quantize(Decimal("0.01"))
        limit = Ticket(symbol=SYMBOL, side=Side.BUY, type=OrderType.LIMIT, client_id="in", quantity=Decimal("0.1"), price=price)
        engine.place(account, limit)
        exchange.keep()
    clock.forward(1_800)
    again = started(tmp_path / "down", clock)
    for exchange in (again, up):
        exchange.engine.advance()

    assert again.engine.accounts["main"].executions == up.engine.accounts["main"].executions != []


def test_another_market_begins_with_new_books(tmp_path: Path) -> None:
    clock = HandClock()
    trade(started(tmp_path, clock))
    other = started(tmp_path, clock, "--seed", "8").engine.accounts["main"]

    assert not other.orders and other.balance("USDT").free == 10_000


def test_a_file_that_is_no_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "exchange.sqlite").write_text("not a database, whatever its name says" * 20, encoding="utf-8")
    with pytest.raises(StateError, match="remove it"):
        started(tmp_path, HandClock())
