"""The settings of the demo's desk, handed over as environment variables alone, as anyone else would set them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from bot.demo.sandbox_client import Cast, MarketInfo
from bot.demo.series import instrument_of
from config.groups import (
    ChatSettings,
    DeskSettings,
    DigestSettings,
    Group,
    MarketSettings,
    PaperSettings,
    PeopleSettings,
    SignalSettings,
    TelegramSettings,
    TerminalSettings,
    VenueSettings,
)
from config.killing import KillingSettings
from config.settings import FILE_VARIABLE, PREFIX

VENUE = "sandbox"
TERMINAL = "ann-exchange"
ZONE = "UTC"
DIGEST_AFTER = timedelta(seconds=195)
LEAST_MISSION_S = 90
# Long enough to be seen, short enough for a demo.
REARM_WAIT_S = 3
# About what ten thousand dollars were in 2021, so that sizes look alike whatever the quote currency.
START_BALANCES = {"USDT": Decimal(10_000), "BTC": Decimal("0.25"), "ETH": Decimal(4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTerms:
    """Everything that the demo's desk is told; each group holds only what differs from the defaults."""

    desk: DeskSettings
    telegram: TelegramSettings
    people: PeopleSettings
    chats: ChatSettings
    venue: VenueSettings
    terminal: TerminalSettings
    market: MarketSettings
    paper: PaperSettings
    killing: KillingSettings
    signals: SignalSettings
    digest: DigestSettings

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return the process's whole environment: that of the launcher without its settings, and these in their place."""
        own = {name: value for name, value in base.items() if not name.upper().startswith(PREFIX)}
        groups: dict[str, Group] = {
            "desk": self.desk,
            "telegram": self.telegram,
            "people": self.people,
            "chats": self.chats,
            f"venues__{VENUE}": self.venue,
            f"terminals__{TERMINAL}": self.terminal,
            "market": self.market,
            "paper": self.paper,
            "killing": self.killing,
            "signals": self.signals,
            "digest": self.digest,
        }
        told = {
            f"{PREFIX}{group}__{key}".upper(): _text(getattr(values, key))
            for group, values in groups.items()
            for key in sorted(values.model_fields_set)
        }
        # A sortie.toml where the demo happens to be started is another desk's.
        return own | told | {FILE_VARIABLE: os.devnull, "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The instruments that the desk watches, all in one quote currency, and those of other currencies, which it does not."""

    currency: str
    symbols: tuple[str, ...]
    left_out: tuple[str, ...]


def watched_of(names: Sequence[str]) -> Watched:
    """Choose the commonest quote currency among the exchange's names of what is played; the first wins a tie."""
    instruments = [instrument_of(name, "1", "1") for name in names]
    currency = Counter(each.quote for each in instruments).most_common(1)[0][0]
    return Watched(
        currency=currency,
        symbols=tuple(each.symbol for each in instruments if each.quote == currency),
        left_out=tuple(each.symbol for each in instruments if each.quote != currency),
    )


def desk_terms(
    *, cast: Cast, market: MarketInfo, address: str, token: str, keys: Path, state: Path, now: datetime
) -> DeskTerms:
    """Return what the desk is told about this chat, this market and this start."""
    watched = watched_of(market.symbols)
    bar_s = market.bar_seconds

    def ids(role: str) -> tuple[int, ...]:
        return tuple(member.id for member in cast.of_role(role))

    def topic(name: str) -> str:
        return f"{cast.group_id}/{cast.topics[name]}"

    return DeskTerms(
        desk=DeskSettings(currency=watched.currency, zone=ZONE, state_dir=state),
        telegram=TelegramSettings(token=SecretStr(token), api_base=address),
        people=PeopleSettings(commanders=ids("commander"), traders=ids("trader"), observers=ids("observer")),
        chats=ChatSettings(missions=topic("missions"), fills=topic("fills"), risk=topic("risk"), digest=topic("digest")),
        venue=VenueSettings(exchange="binance", base_url=f"{address}/exchange", secret_file=keys),
        # The first trader has an account at the exchange beside the paper one, and trades there unless they choose otherwise.
        terminal=TerminalSettings(venue=VENUE, owner=next((each.id for each in cast.of_role("trader")), None)),
        market=MarketSettings(venue=VENUE, instruments=watched.symbols, timeframe=market.timeframe),
        paper=PaperSettings(start_balance=START_BALANCES[watched.currency]),
        killing=KillingSettings(rearm_wait_s=REARM_WAIT_S),
        # Where bars are short, a mission still lives long enough to be read and fired.
        signals=SignalSettings(expiry_bars=min(200, max(5, math.ceil(LEAST_MISSION_S / bar_s)))),
        digest=DigestSettings(at=f"{now + DIGEST_AFTER:%H:%M}"),
    )


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
