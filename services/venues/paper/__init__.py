"""The built-in paper venue: orders execute against quotes of a real market, money does not exist.

The venue's rules, which a desk can rely on as on any exchange's manual:

Accounts. One account per terminal, opened with the start balance, in one currency; an instrument is traded when it is quoted
in that currency. An account holds cash and one net position per instrument. Equity is cash, plus the open positions' profit at
the middle of the newest quote, less borrow cost not yet charged. Without a fresh quote of a held instrument there is no equity:
the balance is unavailable, never estimated. Nothing is traded on credit: what an order opens, long or short, must be covered by
free funds, which are equity less all positions at their market value and less what working entry orders may still need.

Acceptance. An order is checked at once (see ``checks``), committed, then acknowledged. A client id is taken once and for ever.
Market and IOC orders, and everything that may add exposure, need a fresh quote; a resting exit does not, so protection can be
placed while the feed is down.

Matching. An order meets its first quote ``latency_ms`` after acceptance: the newest one then, later ones as they come. A quote
too old executes nothing; an order that must execute at once expires when its time comes without a fresh quote. A quote shows
the size at its best price; behind it the venue assumes ``LEVELS`` levels of the same size, each ``IMPACT_BPS`` (at least one
tick) worse than the one before. What one order took from a quote is not there for the next. Exits that are triggered go
first, then market orders, then limits by price, and by time among equals.

- A market or IOC order, and a limit order that is marketable when it arrives, takes level by level at the level's price
  worsened by ``slippage_bps`` (a limit order never beyond its limit), one fill per level, at the taker fee. What is left of a
  market or IOC order expires; what is left of a GTC limit rests.
- A fill-or-kill order expires unless all of it is there within its price. A post-only order that would take is refused, or
  expires when the price moved to it on its way.
- A resting limit executes at its own price when the other side reaches it, as far as the sizes go, at the maker fee.
- A stop triggers when the bid is at or under it (selling) or the ask at or over it (buying), then takes like a market order and
  goes on with each further quote until it is done. After a gap it fills where the market is, worse than its price.
- An order that runs out of free funds while it executes expires with what it has.

Reducing. A stop is always reduce-only. A reduce-only order is refused when there is nothing to reduce, executes at most what
is open, and is canceled by the venue as soon as nothing is left for it to reduce: it never turns a position round.

Lists. Linked exits are one stop and any number of target limits beyond it, all on the same side, the targets together at most
the stop's quantity. What a target executes is taken off the stop; when the stop triggers, the targets are canceled. Canceling
one order of a list leaves the others. A replacement is all or nothing: it is refused when any order to be replaced is final.

Costs. Fees are in the quote currency, rounded up to eight decimals. A short pays ``borrow_bps_per_day`` on its entry value by
the time held; it is charged as part of the fee of the fills that close it, in proportion.

Durability. Everything is committed to the venue's own file before it is acknowledged or reported; after a crash resting orders
work on. A write whose commit failed raises VenueDoubt.
"""

from services.venues.paper.venue import PaperVenue

__all__ = ["PaperVenue"]
