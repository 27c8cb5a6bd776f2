"""Read a request's parameters and refuse what Binance refuses, in its words."""

import json
import re
from collections.abc import Collection
from decimal import Decimal

from multidict import MultiMapping

from sandbox.exchange.errors import (
    ApiRefusal,
    illegal_characters,
    invalid_symbol,
    invalid_value,
    missing_parameter,
)
from sandbox.exchange.instruments import WIRE_DECIMALS

_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}", re.ASCII)
_SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
_SYMBOLS_RANGE = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
_INTEGER = re.compile(r"[0-9]{1,20}", re.ASCII)
_INTEGER_RANGE = "^[0-9]{1,20}$"
_LARGEST = 2**63 - 1
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}", re.ASCII)
_CLIENT_ID_RANGE = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"


class Query:
    """The parameters of one request to an endpoint that knows the parameters `known`."""

    def __init__(self, sent: MultiMapping[str], *, mandatory: Collection[str], optional: Collection[str]) -> None:
        """Check the names; raises ApiRefusal for missing, unknown and repeated parameters."""
        for name in mandatory:
            if not sent.get(name):
                raise missing_parameter(name)
        known = {name for name in sent if name in mandatory or name in optional}
        if len(sent) > len(set(sent)):
            raise ApiRefusal(-1101, "Duplicate values for a parameter detected.")
        if len(sent) > len(known):
            raise _unread(len(known), len(sent), bool(mandatory or optional))
        self._sent = sent

    def text(self, name: str) -> str | None:
        """Give a parameter as it was sent, None when it was not."""
        return self._sent.get(name)

    def symbol(self, listed: Collection[str]) -> str:
        """Give the mandatory symbol."""
        return _listed(self._sent["symbol"], listed)

    def symbols(self, listed: Collection[str]) -> list[str] | None:
        """Give the symbols of an endpoint that takes `symbol`, `symbols` or neither, which is None."""
        if "symbol" in self._sent and "symbols" in self._sent:
            raise bad_combination()
        if "symbol" in self._sent:
            return [self.symbol(listed)]
        text = self.text("symbols")
        return None if text is None else [_listed(symbol, listed) for symbol in _symbol_list(text)]

    @property
    def single(self) -> bool:
        """Tell whether the answer is for one symbol, and so not a list."""
        return "symbol" in self._sent

    def integer(self, name: str) -> int | None:
        """Give a non-negative number, None when it was not sent."""
        text = self.text(name)
        if text is None:
            return None
        if not text:
            raise ApiRefusal(-1105, f"Parameter '{name}' was empty.")
        if not _INTEGER.fullmatch(text):
            raise illegal_characters(name, _INTEGER_RANGE)
        number = int(text)
        if number > _LARGEST:
            raise invalid_value(name)
        return number

    def decimal(self, name: str) -> Decimal | None:
        """Give a non-negative amount of at most eight decimals, None when it was not sent."""
        text = self.text(name)
        if text is None:
            return None
        if not text:
            raise ApiRefusal(-1105, f"Parameter '{name}' was empty.")
        if not _DECIMAL.fullmatch(text):
            raise illegal_characters(name, _DECIMAL_RANGE)
        if len(text.partition(".")[2].rstrip("0")) > WIRE_DECIMALS:
            raise ApiRefusal(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(text)

    def client_id(self, name: str) -> str | None:
        """Give an id that the client made up, None when it was not sent."""
        text = self.text(name)
        if text is None:
            return None
        if not text:
            raise ApiRefusal(-1105, f"Parameter '{name}' was empty.")
        if not _CLIENT_ID.fullmatch(text):
            raise illegal_characters(name, _CLIENT_ID_RANGE)
        return text

    def limit(self, *, default: int, most: int) -> int:
        """Give how many rows are wanted; more than `most` counts as `most`, none is refused."""
        wanted = self.integer("limit")
        if wanted == 0:
            raise invalid_value("limit")
        return default if wanted is None else min(wanted, most)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Give one of the words that a parameter may be."""
        text = self._sent.get(name, default)
        if text not in choices:
            raise invalid_value(name)
        return text


def bad_combination() -> ApiRefusal:
    """Refuse parameters that exclude each other."""
    return ApiRefusal(-1128, "Combination of optional parameters invalid.")


def _unread(read: int, sent: int, takes_any: bool) -> ApiRefusal:
    if not takes_any:
        return ApiRefusal(-1101, f"Too many parameters; expected '0' and received '{sent}'.")
    return ApiRefusal(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def _listed(symbol: str, listed: Collection[str]) -> str:
    if not _SYMBOL.fullmatch(symbol):
        raise illegal_characters("symbol", _SYMBOL_RANGE)
    if symbol not in listed:
        raise invalid_symbol()
    return symbol


def _symbol_list(text: str) -> list[str]:
    if not text:
        raise ApiRefusal(-1105, "Parameter 'symbols' was empty.")
    try:
        symbols = json.loads(text)
    except ValueError as error:
        raise illegal_characters("symbols", _SYMBOLS_RANGE) from error
    if not isinstance(symbols, list) or not all(isinstance(each, str) and _SYMBOL.fullmatch(each) for each in symbols):
        raise illegal_characters("symbols", _SYMBOLS_RANGE)
    if not symbols:
        raise ApiRefusal(-1105, "Parameter 'symbols' was empty.")
    if len(set(symbols)) < len(symbols):
        raise ApiRefusal(-1151, "Symbol is present multiple times in the list.")
    return symbols
