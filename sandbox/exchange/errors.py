"""Everything the exchange refuses.

MarketError            the market cannot be built or moved as asked; the message says what to change
  CandleFileError      a candle file is wrong; names the file and the line
  StateError           the kept state cannot be read
  StartRefused         a start that the market cannot make
  MarketHeld           prices were asked for before the start
ApiRefusal             an answer with a status, a code and a message in Binance's own form
"""

from http import HTTPStatus
from typing import Any


class MarketError(Exception):
    """Stop: the market cannot do what was asked; fix what the message names."""


class CandleFileError(MarketError):
    """Fix the candle file at the line that the message names."""


class StateError(MarketError):
    """Repair or remove the state file that the message names."""


class StartRefused(MarketError):
    """Ask for another start; the message names the limits."""


class MarketHeld(MarketError):
    """Start the market first."""


class ApiRefusal(Exception):
    """Answer a request with one of Binance's error bodies.

    Codes and wording follow the errors page of Binance's spot API documentation. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: int,
        message: str,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        *,
        retry_after: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        """Write the error body, with the parts of a request that was half done."""
        body = {"code": self.code, "msg": self.message}
        return body if self.data is None else body | {"data": self.data}


def missing_parameter(name: str) -> ApiRefusal:
    """Refuse a request without a mandatory parameter."""
    return ApiRefusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal_characters(name: str, legal_range: str) -> ApiRefusal:
    """Refuse a parameter whose text is outside the legal range, given as a regular expression."""
    return ApiRefusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'.")


def invalid_value(name: str) -> ApiRefusal:
    """Refuse a well-formed parameter with a value that cannot be served."""
    return ApiRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def invalid_symbol() -> ApiRefusal:
    """Refuse a symbol that is not listed."""
    return ApiRefusal(-1121, "Invalid symbol.")


def not_ready() -> ApiRefusal:
    """Refuse because the exchange is not ready, as Binance does when its own parts cannot be reached.

    Clients read this code as worth another try; that of an overload (-1008) ccxt only knows under Binance's own hosts.
    """
    message = "Internal error; unable to process your request. Please try again."
    return ApiRefusal(-1001, message, HTTPStatus.SERVICE_UNAVAILABLE)
