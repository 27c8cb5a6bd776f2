"""A desk with trades to read about: the trading rig, and how its reads and messages are asked for."""

from __future__ import annotations

from datetime import timedelta

from handlers.telegram.callbacks import ListName
from handlers.telegram.views.cards import render_card
from handlers.telegram.views.lists import render_list
from handlers.telegram.views.message import Rendered
from services.domain.market import Candle, CandleSeries
from services.domain.people import Person, Role
from services.domain.signals import Mission, Side
from services.missions.fire import Fired
from services.reporting.cards import CardFacts, load_card
from services.reporting.lists import ListData, Terms, read_list
from services.reporting.live import Live
from services.storage import people, previews
from tests.trading.rig import ANN, BTC, START, Rig

GROUP, OLGA = -1001, 3001
BARS = 80


def series(symbol: str) -> CandleSeries | None:
    """Return an hour and more of quiet candles for the one instrument that has any."""
    if symbol != BTC.symbol:
        return None
    opens = [START - timedelta(minutes=BARS - index) for index in range(BARS)]
    return CandleSeries(
        instrument=BTC, timeframe="1m", candles=[Candle(at, 64000.0, 64020.0, 63980.0, 64010.0, 3.0) for at in opens]
    )


def live_of(rig: Rig) -> Live:
    return Live(
        now=rig.clock.now(),
        zone=rig.settings.desk.zone,
        quote=rig.trading.quotes.latest,
        series=series,
        balance=rig.trading.accounts.latest,
        least_sample=rig.settings.desk.least_sample,
    )


def terms_of(rig: Rig) -> Terms:
    return Terms(limits=rig.settings.risk, signals=rig.settings.signals, strategies=(("trend", "1"), ("breakout", "1.2")))


async def fired(rig: Rig, person_id: int = ANN, *, size: str = "full", side: Side = Side.LONG) -> tuple[Mission, str]:
    """Fire a new mission and return it with the trade's id; the venue has not been asked yet."""
    rig.clock.advance(1)
    quote = rig.trading.quotes.latest(BTC.symbol)
    assert quote is not None
    rig.quote(str(quote.bid), str(quote.ask))
    mission = await rig.mission(side=side)
    await rig.trading.preview(rig.actor(person_id), mission.id, size=size)
    shown = await rig.read(lambda unit: previews.find(unit, mission.id, person_id))
    assert shown.token_id is not None, [check for check in shown.checks if not check.passed]
    outcome = await rig.trading.fire(rig.actor(person_id), shown.token_id)
    assert isinstance(outcome, Fired)
    return mission, outcome.trade_id


async def traded(rig: Rig, person_id: int = ANN, *, size: str = "full") -> tuple[Mission, str]:
    """Fire a new mission and let the venue fill it."""
    mission, trade_id = await fired(rig, person_id, size=size)
    await rig.settle()
    return mission, trade_id


async def stopped_out(rig: Rig, person_id: int = ANN) -> str:
    """Fire a mission, let its stop close it, and bring the price back."""
    _, trade_id = await traded(rig, person_id)
    rig.clock.advance(60)
    await rig.price("62999", "62999.02")
    rig.clock.advance(1)
    await rig.price("63999.99", "64000.01")
    return trade_id


async def card(rig: Rig, key: str, chat_id: int) -> tuple[CardFacts | None, Rendered | None]:
    """Return what a card shows in a chat, and its message."""
    facts = await rig.read(lambda unit: load_card(unit, key, chat_id, live_of(rig)))
    return facts, render_card(key, facts) if facts is not None else None


async def text(rig: Rig, key: str, chat_id: int) -> str:
    """Return a card's text."""
    _, rendered = await card(rig, key, chat_id)
    assert rendered is not None
    return rendered.plain()


async def listed(rig: Rig, name: ListName, person_id: int, chat_id: int, *, arg: str = "") -> ListData | None:
    """Return a list as a person may read it in a chat."""
    data: ListData | None = await rig.read(
        lambda unit: read_list(
            unit, name.value, person_id=person_id, chat_id=chat_id, live=live_of(rig), terms=terms_of(rig), arg=arg
        )
    )
    return data


async def page(rig: Rig, name: ListName, person_id: int, chat_id: int, *, number: int = 1, arg: str = "") -> Rendered:
    """Return the message of a list's page."""
    data = await listed(rig, name, person_id, chat_id, arg=arg)
    assert data is not None
    return render_list(name, number, data)


async def observer(rig: Rig) -> int:
    """Let Olga in, who may only look."""
    olga = Person(id=OLGA, name="Olga", username="olga", role=Role.OBSERVER, zone="Europe/Berlin", locale="en")
    await rig.trading.database.write(lambda unit: people.save_role(unit, olga, None))
    return OLGA
