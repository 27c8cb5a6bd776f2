"""What ccxt does not say about an exchange and the desk must know before it sends an order there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.domain.ports import CancelOnSilence
from services.venues.ccxt_spot import outcomes
from services.venues.ccxt_spot.budget import Counter
from services.venues.ccxt_spot.outcomes import Complaint, Rules


class LookUp(StrEnum):
    """How an order is asked for by its client id.

    ORDER: one question, with a proven "no such order" as its answer. LISTS: the exchange filters its open and its ended orders
    by client id; in neither list means that it never saw it.
    """

    ORDER = "order"
    LISTS = "lists"


class Answer(StrEnum):
    """What shape a reading must have to be believed."""

    ROWS = "rows"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One exchange as this adapter knows it.

    ``id_key`` is the parameter that names a client id in look-ups and cancels. ``lists``: one target and one stop as one
    write. ``stops``: a lone stop is found by its client id like any order. ``market_buys``: a market buy is sized in base.
    ``symbol_cost`` and ``all_cost``: reading the open orders of one symbol and of all, in ccxt's units; ``trades_cost``: the
    trades of one symbol. ``trades_days`` is the longest span of one such question, ``trades_page`` what one answer holds;
    ``newest_first`` when that is the span's end. ``silence`` says what the exchange cancels when its countdown is not pushed
    back, ``silence_params`` what that call needs, ``entry_params`` what an entry carries so that it is found by it.
    """

    rules: Rules
    complaint: Callable[[object], Complaint | None]
    answered: Callable[[object, Answer], bool]
    look_up: LookUp
    id_key: str = "clientOrderId"
    lists: bool = False
    stops: bool = False
    market_buys: bool = False
    symbol_cost: float = 1.0
    all_cost: float = 1.0
    trades_cost: float = 1.0
    counters: tuple[Counter, ...] = ()
    trades_days: int = 7
    trades_page: int = 100
    newest_first: bool = True
    options: Mapping[str, object] = field(default_factory=dict)
    silence: CancelOnSilence = CancelOnSilence.NONE
    silence_params: Mapping[str, object] = field(default_factory=dict)
    entry_params: Mapping[str, object] = field(default_factory=dict)


def _binance_answered(reply: object, wanted: Answer) -> bool:
    if wanted is Answer.ROWS:
        # ccxt would leave a row out that names no symbol, and nothing would look like an empty account.
        return isinstance(reply, list) and all(isinstance(row, dict) and row.get("symbol") for row in reply)
    return isinstance(reply, dict) and bool(reply.keys() & {"orderId", "balances", "orderListId", "serverTime"})


def _bybit_answered(reply: object, wanted: Answer) -> bool:
    if not isinstance(reply, dict) or reply.get("retCode") != 0 or not isinstance(reply.get("result"), dict):
        return False
    return wanted is Answer.RECORD or isinstance(reply["result"].get("list"), list)


def _okx_answered(reply: object, wanted: Answer) -> bool:
    rows = reply.get("data") if isinstance(reply, dict) and reply.get("code") == "0" else None
    return isinstance(rows, list) and (wanted is Answer.ROWS or len(rows) == 1)


def _kraken_answered(reply: object, wanted: Answer) -> bool:
    return isinstance(reply, dict) and reply.get("error") == [] and isinstance(reply.get("result"), dict)


# OKX counts down for one tag at a time; exits carry none.
_OKX_TAG = {"tag": "sortieentry"}
_BINANCE_COUNTERS = (
    Counter(header="X-MBX-USED-WEIGHT-1M", limit=6_000, seconds=60, requests=True),
    Counter(header="X-MBX-ORDER-COUNT-10S", limit=100, seconds=10),
    Counter(header="X-MBX-ORDER-COUNT-1D", limit=200_000, seconds=86_400),
)

PROFILES: Mapping[str, Profile] = {
    "binance": Profile(
        rules=outcomes.BINANCE,
        complaint=outcomes.binance_complaint,
        answered=_binance_answered,
        look_up=LookUp.ORDER,
        lists=True,
        stops=True,
        market_buys=True,
        symbol_cost=1.2,
        all_cost=16,
        trades_cost=4,
        counters=_BINANCE_COUNTERS,
        trades_days=1,
        trades_page=500,
        newest_first=False,
        options={
            "createOrder": {"quoteOrderQty": False, "timeInForce": "GTC"},
            "fetchOpenOrders": {"warnWithoutSymbol": False},
        },
    ),
    "okx": Profile(
        rules=outcomes.OKX,
        complaint=outcomes.okx_complaint,
        answered=_okx_answered,
        look_up=LookUp.ORDER,
        options={"createMarketBuyOrderRequiresPrice": False},
        silence=CancelOnSilence.ENTRIES,
        silence_params=_OKX_TAG,
        entry_params=_OKX_TAG,
    ),
    "bybit": Profile(
        rules=outcomes.BYBIT,
        complaint=outcomes.bybit_complaint,
        answered=_bybit_answered,
        look_up=LookUp.LISTS,
        id_key="orderLinkId",
    ),
    "kraken": Profile(
        rules=outcomes.KRAKEN,
        complaint=outcomes.kraken_complaint,
        answered=_kraken_answered,
        look_up=LookUp.LISTS,
        stops=True,
        market_buys=True,
        symbol_cost=3,
        all_cost=3,
        trades_cost=6,
        trades_page=50,
        silence=CancelOnSilence.ALL,
    ),
}
