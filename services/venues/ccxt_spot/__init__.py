"""A spot account at an exchange, through ccxt as it is.

Rules that the desk can rely on:

Writes. Each instruction is one HTTP request and never a second: ccxt's retries are off, and aiohttp's own repetition of a
DELETE and its way of following redirections are stopped (``replies``). A client id leaves once in the life of a process.
What a write came to is read from the raw reply by status and the exchange's own code (``outcomes``): an order with an id was
taken, a listed code was refused, everything else is VenueDoubt. What is refused before anything left is VenueRejected, what is
held back for now (limits, no connection) is Unavailable.

Amounts are text on the way to ccxt and exact decimals on the way back, put on the exchange's grid toward less exposure
(``orders``).

Readings are believed only in the shape that the exchange gives them; a failed one raises Unavailable. ``find`` says None only
on the exchange's own word, and VenueDoubt while a write of that id may still arrive: until the receive window is over.

Polling asks for trades where something was written, heard or filled, and everywhere every half minute (``activity``). A
stream is a hint: it shortens the wait, and every new connection is followed by a look everywhere (``streams``).

Limits. All clients of the account share one budget; entries and readings leave a reserve to exits and cancels (``budget``).

Exits on spot hold what they would sell, and the exchange knows no reduce-only. Where it has order lists, one target and one
stop of the same size are one list; canceling one leg takes both.
"""

from services.venues.ccxt_spot.venue import CcxtVenue

__all__ = ["CcxtVenue"]
