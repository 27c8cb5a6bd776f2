"""Where news and the economic calendar come from, and how long around an event no entry is made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.groups import Group, Names, PositiveSeconds

_FEED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(f"{text!r} is not an http or https address without a name and password in it")
    return text


Address = Annotated[str, AfterValidator(_address)]


class NewsSettings(Group):
    """Feeds of headlines (RSS or Atom), and what is made of them."""

    feeds: dict[str, Address] = Field(default_factory=dict, description="Addresses of feeds by a short name of ours")
    every_s: float = Field(default=300, ge=10, le=86_400, description="How often they are read")
    timeout_s: PositiveSeconds = Field(default=10, description="Longest time that one may take, calendar included")
    max_bytes: int = Field(default=1_000_000, ge=1_000, le=5_000_000, description="Longest answer that is taken")
    keep_days: int = Field(default=7, ge=1, le=366, description="Age from which on items are dropped")
    tone_hours: float = Field(default=24, gt=0, le=744, description="Items older than this say nothing about the tone of now")
    tone_least: int = Field(default=5, ge=2, le=1000, description="Fewest items that a tone is named by")
    words: dict[str, Names] = Field(default_factory=dict, description='Further names by asset, such as `BTC = ["bitcoin"]`')

    @model_validator(mode="after")
    def _names(self) -> NewsSettings:
        odd = sorted(name for name in self.feeds if not _FEED_NAME.fullmatch(name))
        if odd:
            raise ValueError(f"feeds.{odd[0]}: a feed's name has at most 24 of a-z, 0-9 and -")
        return self


class BlackoutSettings(Group):
    """One rule: around events of an importance entries are denied. Without currencies and instruments it is for all."""

    importance: Literal["low", "medium", "high"] = Field(default="high", description="Least importance of its events")
    before_min: int = Field(default=30, ge=0, le=2880, description="Minutes before an event")
    after_min: int = Field(default=30, ge=0, le=2880, description="Minutes after its end")
    currencies: Names = Field(default=(), description="Currencies of its events; empty for all")
    instruments: Names = Field(default=(), description="Symbols that it holds back; empty for all")


class CalendarSettings(Group):
    """The economic calendar: a file, or the same JSON at an address, and what it holds back."""

    file: Path | None = Field(default=None, description="File of events (docs/news.md has its form)")
    url: Address | None = Field(default=None, description="Address of the same, instead of `file`")
    every_s: float = Field(default=60, ge=1, le=86_400, description="How often it is looked at")
    max_age_s: PositiveSeconds = Field(default=604_800, description="Age from which on a calendar counts as no data")
    stands_for: dict[str, str] = Field(
        default_factory=lambda: {"USDT": "USD", "USDC": "USD", "FDUSD": "USD", "TUSD": "USD"},
        description="Assets that the events of a currency concern too",
    )
    blackouts: tuple[BlackoutSettings, ...] = Field(
        default=(BlackoutSettings(),),
        description="Around which events entries are denied: `[[calendar.blackouts]]` with importance and minutes",
    )

    @model_validator(mode="after")
    def _agree(self) -> CalendarSettings:
        if self.file is not None and self.url is not None:
            raise ValueError("set either `file` or `url`, not both")
        return self

    @property
    def there(self) -> bool:
        """Tell whether a calendar is configured."""
        return self.file is not None or self.url is not None
