"""Who signed a request: the API key, the HMAC over the text that was sent, and the time it may be used in."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from decimal import Decimal
from http import HTTPStatus

from sandbox.exchange.accounts import Account
from sandbox.exchange.errors import ApiRefusal, missing_parameter
from sandbox.exchange.query import Query

SIGNED = ("timestamp", "signature")
SIGNED_OPTIONAL = ("recvWindow",)
_KEY = re.compile(r"[A-Za-z0-9]{8,64}", re.ASCII)
_SIGNATURE = re.compile(r"(?:^|&)signature=([^&]*)")
_WINDOW = Decimal(5_000)
_WIDEST_WINDOW = Decimal(60_000)
_AHEAD = 1_000


def find_account(key: str | None, accounts: Iterable[Account]) -> Account:
    """Give the account of an API key; raises the refusals of a missing, an unknown and a revoked key."""
    if key is None or not _KEY.fullmatch(key):
        raise ApiRefusal(-2014, "API-key format invalid.", HTTPStatus.UNAUTHORIZED)
    for account in accounts:
        if account.key == key and not account.terms.revoked:
            return account
    raise _not_permitted()


def check_permission(account: Account) -> None:
    """Refuse a key that may not trade."""
    if not account.terms.can_trade:
        raise _not_permitted()


def check_time(query: Query, server_time: int) -> None:
    """Refuse a request that comes too late or from the future, by its timestamp in milli- or microseconds."""
    sent = query.integer("timestamp")
    if sent is None:
        raise missing_parameter("timestamp")
    if sent >= 10**15:
        sent //= 1_000
    window = query.decimal("recvWindow")
    if window is not None and not 0 < window <= _WIDEST_WINDOW:
        raise ApiRefusal(-1131, "recvWindow must be less than 60000.")
    if sent > server_time + _AHEAD:
        raise ApiRefusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if server_time - sent > (_WINDOW if window is None else window):
        raise ApiRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_signature(secret: str, texts: Iterable[str]) -> None:
    """Refuse a request whose signature is not that of its texts, query and body, as they were sent."""
    payload = "".join(texts)
    found = _SIGNATURE.search(payload)
    if found is None:
        raise missing_parameter("signature")
    unsigned = payload[: found.start()] + payload[found.end() :]
    if not hmac.compare_digest(sign(secret, unsigned.removeprefix("&")), found[1].lower()):
        raise wrong_signature()


def wrong_signature() -> ApiRefusal:
    """Refuse a request that was signed otherwise."""
    return ApiRefusal(-1022, "Signature for this request is not valid.")


def sign(secret: str, payload: str) -> str:
    """Sign a text as the clients do: HMAC-SHA256 in hexadecimal digits."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def _not_permitted() -> ApiRefusal:
    return ApiRefusal(-2015, "Invalid API-key, IP, or permissions for action.", HTTPStatus.UNAUTHORIZED)
