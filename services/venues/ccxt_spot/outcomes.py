"""What a write came to, by the reply's HTTP status and the exchange's own code; never by ccxt's class of error.

Only what is listed here proves a refusal, and only under the listed statuses. Everything else is an outcome that nobody knows:
a status of 500 and more, an unlisted code, text where JSON belongs, half a body, no reply. A duplicate client id is never
listed: it says that an order of that id works, which may be the very one whose acceptance was lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.venues.ccxt_spot.replies import Call

SUCCESS = frozenset({200, 201})
PLAIN = frozenset({400})
KEYS = frozenset({400, 401, 403})
LIMITS = frozenset({400, 418, 429})
ENVELOPE = frozenset({200})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a code of the exchange proves a refusal.

    ``code`` is the desk's word for it; None when only some messages prove one. ``words`` are fragments of the message that
    give another word, or None where the message proves nothing.
    """

    code: str | None
    statuses: frozenset[int] = PLAIN
    words: tuple[tuple[str, str | None], ...] = ()


Complaint = tuple[str, str]
Rules = Mapping[str, Rule]


def _all(codes: str, code: str, statuses: frozenset[int] = PLAIN) -> dict[str, Rule]:
    return {each: Rule(code=code, statuses=statuses) for each in codes.split()}


_FILTERS = (
    ("PERCENT_PRICE", "PRICE_BAND"),
    ("PRICE_FILTER", "PRICE_FILTER"),
    ("LOT_SIZE", "LOT_SIZE"),
    ("NOTIONAL", "MIN_NOTIONAL"),
    ("MAX_POSITION", "MAX_POSITION"),
    ("MAX_NUM", "TOO_MANY_ORDERS"),
    ("EXCHANGE_MAX", "TOO_MANY_ORDERS"),
)
_NEW_ORDER = (
    ("Duplicate order sent", None),
    ("insufficient balance", "INSUFFICIENT_BALANCE"),
    ("would immediately match", "POST_ONLY"),
    ("would trigger immediately", "WOULD_TRIGGER"),
    ("relationship of the prices", "WOULD_TRIGGER"),
    ("Market is closed", "MARKET_CLOSED"),
    ("Price * QTY is zero or less", "LOT_SIZE"),
)
_PRECISION = (("quantity", "LOT_SIZE"), ("rice", "PRICE_FILTER"))

# https://developers.binance.com/docs/binance-spot-api-docs/errors
BINANCE: Rules = {
    "-1002": Rule(code="KEY_REFUSED", statuses=KEYS),
    "-1003": Rule(code="RATE_LIMITED", statuses=LIMITS),
    "-1008": Rule(code="RATE_LIMITED", statuses=LIMITS),
    "-1013": Rule(code="FILTER", words=_FILTERS),
    "-1014": Rule(code="NOT_OFFERED"),
    "-1015": Rule(code="RATE_LIMITED", statuses=LIMITS),
    "-1020": Rule(code="NOT_OFFERED"),
    "-1021": Rule(code="CLOCK_SKEW"),
    "-1022": Rule(code="KEY_REFUSED", statuses=KEYS),
    "-1111": Rule(code="BAD_ORDER", words=_PRECISION),
    "-1112": Rule(code="NO_LIQUIDITY"),
    "-1116": Rule(code="NOT_OFFERED"),
    "-1121": Rule(code="UNKNOWN_SYMBOL"),
    "-2010": Rule(code="REFUSED", words=_NEW_ORDER),
    "-2011": Rule(code="UNKNOWN_ORDER"),
    "-2013": Rule(code="UNKNOWN_ORDER"),
    "-2014": Rule(code="KEY_REFUSED", statuses=KEYS),
    "-2015": Rule(code="KEY_REFUSED", statuses=KEYS),
    "-2016": Rule(code="MARKET_CLOSED"),
} | _all(
    "-1100 -1101 -1102 -1103 -1104 -1105 -1106 -1108 -1114 -1115 -1117 -1118 -1119 -1120 -1128 -1130 -1131 -1135 -1145",
    "BAD_ORDER",
) | _all("-1158 -1160 -1165 -1166 -1167 -1168 -1196 -1197 -1198 -1199", "LIST_SHAPE")  # fmt: skip

# https://bybit-exchange.github.io/docs/v5/error: the reply's status is 200, its code stands inside.
BYBIT: Rules = (
    _all("10001 170130", "BAD_ORDER", ENVELOPE)
    | _all("10002", "CLOCK_SKEW", ENVELOPE)
    | _all("10003 10004 10005 10007 10010", "KEY_REFUSED", ENVELOPE | {401, 403})
    | _all("10006 170222", "RATE_LIMITED", ENVELOPE | {403, 429})
    | _all("110001 170213", "UNKNOWN_ORDER", ENVELOPE)
    | _all("110007 110004 110012 170033 170131", "INSUFFICIENT_BALANCE", ENVELOPE)
    | _all("170121", "UNKNOWN_SYMBOL", ENVELOPE)
    | _all("170124 170136 170137 170135", "LOT_SIZE", ENVELOPE)
    | _all("170134 170132 170133", "PRICE_FILTER", ENVELOPE)
    | _all("170140", "MIN_NOTIONAL", ENVELOPE)
    | _all("170193 170194", "PRICE_BAND", ENVELOPE)
    | _all("170218", "POST_ONLY", ENVELOPE)
)

# https://www.okx.com/docs-v5/en/#error-code: the outer code is 1, the order's own stands in its row as sCode.
OKX: Rules = (
    _all("50011 50061", "RATE_LIMITED", ENVELOPE | {429})
    | _all("50100 50101 50103 50104 50105 50110 50111 50113 50114", "KEY_REFUSED", ENVELOPE | {400, 401})
    | _all("50102 50112", "CLOCK_SKEW", ENVELOPE | {400, 401})
    | _all("50014 51000", "BAD_ORDER", ENVELOPE | {400})
    | _all("51001 51014 51015", "UNKNOWN_SYMBOL", ENVELOPE)
    | _all("51006 51136 51137", "PRICE_BAND", ENVELOPE)
    | _all("51008 51127 51131", "INSUFFICIENT_BALANCE", ENVELOPE)
    | _all("51020 51120", "MIN_NOTIONAL", ENVELOPE)
    | _all("51121", "LOT_SIZE", ENVELOPE)
    | _all("51400 51401 51402 51603", "UNKNOWN_ORDER", ENVELOPE)
)

# https://docs.kraken.com/api/docs/guides/spot-errors: the status is 200, errors are texts.
KRAKEN: Rules = (
    {
        "EOrder:Insufficient funds": Rule(code="INSUFFICIENT_BALANCE", statuses=ENVELOPE),
        "EOrder:Order minimum not met": Rule(code="LOT_SIZE", statuses=ENVELOPE),
        "EOrder:Cost minimum not met": Rule(code="MIN_NOTIONAL", statuses=ENVELOPE),
        "EOrder:Tick size check failed": Rule(code="PRICE_FILTER", statuses=ENVELOPE),
        "EOrder:Invalid price": Rule(code="PRICE_FILTER", statuses=ENVELOPE),
        "EOrder:Post only order": Rule(code="POST_ONLY", statuses=ENVELOPE),
        "EOrder:Unknown order": Rule(code="UNKNOWN_ORDER", statuses=ENVELOPE),
        "EOrder:Orders limit exceeded": Rule(code="TOO_MANY_ORDERS", statuses=ENVELOPE),
        "EOrder:Rate limit exceeded": Rule(code="RATE_LIMITED", statuses=ENVELOPE),
        "EAPI:Rate limit exceeded": Rule(code="RATE_LIMITED", statuses=ENVELOPE),
        "EGeneral:Too many requests": Rule(code="RATE_LIMITED", statuses=ENVELOPE | {429}),
        "EAPI:Invalid key": Rule(code="KEY_REFUSED", statuses=ENVELOPE),
        "EAPI:Invalid signature": Rule(code="KEY_REFUSED", statuses=ENVELOPE),
        "EAPI:Invalid nonce": Rule(code="CLOCK_SKEW", statuses=ENVELOPE),
        "EGeneral:Permission denied": Rule(code="KEY_REFUSED", statuses=ENVELOPE),
        "EGeneral:Invalid arguments": Rule(code="BAD_ORDER", statuses=ENVELOPE),
        "EQuery:Unknown asset pair": Rule(code="UNKNOWN_SYMBOL", statuses=ENVELOPE),
        "EService:Market in cancel_only mode": Rule(code="MARKET_CLOSED", statuses=ENVELOPE),
        "EService:Market in post_only mode": Rule(code="MARKET_CLOSED", statuses=ENVELOPE),
    }
)  # fmt: skip


def binance_complaint(reply: object) -> Complaint | None:
    """Read ``{"code": -1013, "msg": "..."}``."""
    if isinstance(reply, dict) and isinstance(reply.get("code"), int) and isinstance(reply.get("msg"), str):
        return str(reply["code"]), reply["msg"]
    return None


def bybit_complaint(reply: object) -> Complaint | None:
    """Read ``{"retCode": 110007, "retMsg": "..."}``."""
    if isinstance(reply, dict) and isinstance(reply.get("retCode"), int) and reply["retCode"] != 0:
        return str(reply["retCode"]), str(reply.get("retMsg", ""))
    return None


def okx_complaint(reply: object) -> Complaint | None:
    """Read ``{"code": "1", "data": [{"sCode": "51008", "sMsg": "..."}]}``, or the outer code where no row has one."""
    if not isinstance(reply, dict) or not isinstance(reply.get("code"), str) or reply["code"] == "0":
        return None
    rows = reply.get("data")
    if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) and isinstance(rows[0].get("sCode"), str):
        return rows[0]["sCode"], str(rows[0].get("sMsg", ""))
    return reply["code"], str(reply.get("msg", ""))


def kraken_complaint(reply: object) -> Complaint | None:
    """Read ``{"error": ["EOrder:Insufficient funds"]}``; several errors at once are no single refusal."""
    errors = reply.get("error") if isinstance(reply, dict) else None
    if not isinstance(errors, list) or len(errors) != 1 or not isinstance(errors[0], str):
        return None
    # What follows a second colon is detail: "EGeneral:Invalid arguments:volume".
    return ":".join(errors[0].split(":")[:2]), errors[0]


def refusal(rules: Rules, read: Callable[[object], Complaint | None], call: Call) -> str | None:
    """Return the desk's code of a refusal that the reply proves, or None."""
    complaint = read(call.json())
    if complaint is None or call.status is None:
        return None
    code, message = complaint
    rule = rules.get(code)
    if rule is None or call.status not in rule.statuses:
        return None
    for fragment, word in rule.words:
        if fragment in message:
            return word
    return rule.code
