"""The groups about being watched from outside: health and metrics over HTTP, and the ping that somebody else waits for."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.groups import Group

SHORTEST_KEY = 16


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IP address such as 127.0.0.1, 0.0.0.0 or ::1") from error
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < SHORTEST_KEY or not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(f"a key has at least {SHORTEST_KEY} visible ASCII characters; `openssl rand -hex 24` makes one")
    return secret


def _url(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("an address begins with https:// or http:// and names a host")
    return secret


Address = Annotated[str, AfterValidator(_address)]
Key = Annotated[SecretStr, AfterValidator(_key)]
SecretUrl = Annotated[SecretStr, AfterValidator(_url)]


class WebSettings(Group):
    """Health and metrics over HTTP; nothing listens until a port is set."""

    port: int | None = Field(default=None, ge=1, le=65535, description="Port to listen on; unset: none")
    listen: Address = Field(default="127.0.0.1", description="Address to listen on")
    key: Key | None = Field(default=None, description="Bearer key that details and, beyond this machine, metrics want")
    key_file: Path | None = Field(default=None, description="File that holds the key, instead of `key`")
    per_minute: int = Field(default=120, ge=1, le=100_000, description="Requests a minute from one address")

    @model_validator(mode="after")
    def _agree(self) -> WebSettings:
        if self.key is not None and self.key_file is not None:
            raise ValueError("set either `key` or `key_file`, not both")
        return self

    @property
    def is_local(self) -> bool:
        """Tell whether only this machine can connect."""
        return ip_address(self.listen).is_loopback

    def read_key(self) -> str | None:
        """Return the key from the setting or its file, or None when neither is set.

        Raises OSError when the file cannot be read and ValueError when what it holds is no key.
        """
        if self.key_file is not None:
            return _key(SecretStr(self.key_file.read_text(encoding="utf-8").strip())).get_secret_value()
        return self.key.get_secret_value() if self.key is not None else None


class HeartbeatSettings(Group):
    """A ping to somebody else's watch while the desk is well, so that a dead process is noticed."""

    url: SecretUrl | None = Field(default=None, description="Address that is called while every mandatory stage lives")
    fail_url: SecretUrl | None = Field(default=None, description="Address that is posted to while one does not")
    method: Literal["GET", "POST"] = Field(default="GET", description="How `url` is called")
    every_s: float = Field(default=60, ge=5, le=3600, description="Pause between two calls")

    @model_validator(mode="after")
    def _agree(self) -> HeartbeatSettings:
        if self.fail_url is not None and self.url is None:
            raise ValueError("`fail_url` needs `url`: without pings nobody would notice that the process is gone")
        return self
