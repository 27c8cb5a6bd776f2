"""The settings of alerts: how long a person has, and the second channel that they leave by when nobody answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from config.groups import Group, PositiveSeconds


def _lines(value: object) -> object:
    """Accept one address, or several divided by white space, where a list is meant: an address may hold a comma."""
    return tuple(value.split()) if isinstance(value, str) else value


class AlertSettings(Group):
    """Urgent alerts: who is called when, and the second channel (apprise addresses, such as `ntfys://TOPIC`)."""

    urls: Annotated[tuple[SecretStr, ...], BeforeValidator(_lines), NoDecode] = Field(
        default=(), description="Addresses of the second channel"
    )
    urls_file: Path | None = Field(default=None, description="File with one address a line, instead of `urls`")
    ack_s: PositiveSeconds = Field(default=60, description="How long one commander has before the next is called")
    repeat_s: PositiveSeconds = Field(default=300, description="How often everybody is called again while nobody has it")
    telegram_silent_s: PositiveSeconds = Field(
        default=30, description="Silence of Telegram after which an urgent alert leaves by the second channel"
    )
    timeout_s: PositiveSeconds = Field(default=10, description="How long one address may take")
    amounts: bool = Field(default=False, description="Whether the second channel may be told amounts of money")

    @model_validator(mode="after")
    def _agree(self) -> AlertSettings:
        if self.urls and self.urls_file is not None:
            raise ValueError("set either `urls` or `urls_file`, not both")
        return self

    def read_urls(self) -> tuple[str, ...]:
        """Return the addresses, from here or from the file; raise OSError when it cannot be read."""
        if self.urls_file is None:
            return tuple(url.get_secret_value() for url in self.urls)
        lines = (line.strip() for line in self.urls_file.read_text(encoding="utf-8").splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))
