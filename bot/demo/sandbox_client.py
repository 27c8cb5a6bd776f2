"""The sandbox as the demo talks to it: the people of its chat page, and the operator's side of its market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp

from bot.demo.console import CannotStart
from bot.demo.series import Stretch, instrument_of, read_stretch

_LIMIT = aiohttp.ClientTimeout(total=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in the chat; ``role`` is what the sandbox says of them: trader, commander, observer or stranger.

    ``started`` tells whether they pressed Start, without which the bot may not write to them.
    """

    id: int
    name: str
    role: str
    started: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who is there, and the group with the thread ids of its topics by lower-case name."""

    members: tuple[Member, ...]
    group_id: int
    topics: Mapping[str, int]

    def of_role(self, role: str) -> tuple[Member, ...]:
        """Return the people of a role, in the chat's order."""
        return tuple(member for member in self.members if member.role == role)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketInfo:
    """What is played: a sentence, the names the exchange uses, and how far it is.

    ``index`` is the open bar, None before the start; ``last_index`` is None for a market without an end.
    """

    playing: str
    symbols: tuple[str, ...]
    timeframe: str
    bar_seconds: int
    started: bool
    index: int | None
    minimum_start: int
    last_index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message; ``data`` is empty for one that is not pressed but followed."""

    text: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message as a person sees it: its number, text or caption, buttons, and the time of its last edit, 0 for none."""

    message_id: float
    thread_id: int | None
    from_bot: bool
    text: str
    buttons: tuple[Button, ...]
    has_photo: bool
    edited: int

    def button(self, text: str) -> Button | None:
        """Return the first button whose text begins so, or None."""
        return next((each for each in self.buttons if each.data and each.text.startswith(text)), None)


class SandboxError(Exception):
    """The sandbox refused or did not answer; says what it said."""


class SandboxClient:
    """One sandbox on this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = aiohttp.ClientSession(timeout=_LIMIT)

    async def close(self) -> None:
        """Release connections."""
        await self._session.close()

    async def cast(self) -> Cast:
        """Return the people, and the forum group that the bot serves; raise CannotStart without one."""
        answer = await self._ask("GET", "/page/bootstrap")
        groups = [chat for chat in answer["chats"] if chat["is_forum"]]
        if not groups:
            raise CannotStart("the chat has no group with topics", "start anew with --fresh")
        topics = {topic["name"].lower(): int(topic["thread_id"]) for topic in groups[0]["topics"]}
        started = {chat["id"] for chat in answer["chats"] if chat["started"]}
        members = (
            Member(id=each["id"], name=each["name"], role=each["note"], started=each["id"] in started)
            for each in answer["people"]
        )
        return Cast(members=tuple(members), group_id=int(groups[0]["id"]), topics=topics)

    async def market(self) -> MarketInfo:
        """Return what is played."""
        answer = await self._ask("GET", "/market/info")
        return MarketInfo(
            playing=answer["playing"],
            symbols=tuple(answer["symbols"]),
            timeframe=answer["timeframe"],
            bar_seconds=answer["bar_seconds"],
            started=answer["started"],
            index=answer["index"],
            minimum_start=answer["minimum_start"],
            last_index=answer["last_index"],
        )

    async def stretch(self, first: int, bars: int) -> Stretch:
        """Return the bars from an index on, played or still to come."""
        return read_stretch(await self._ask("GET", f"/market/series?from={first}&bars={bars}"))

    async def start_market(self, index: int, close_in_s: float) -> None:
        """Let the held market begin with bar ``index`` open, as soon as the desk looks."""
        await self._ask("POST", "/market/start", {"index": index, "close_in": close_in_s})

    async def press_start(self, person: int) -> None:
        """Press Start in a person's chat with the bot."""
        await self._ask("POST", "/page/start", {"person": person})

    async def say(self, person: int, chat_id: int, text: str) -> float:
        """Write a message for a person; return its number."""
        answer = await self._ask("POST", "/page/say", {"person": person, "chat_id": chat_id, "text": text})
        return float(answer["message_id"])

    async def tap(self, person: int, chat_id: int, message_id: float, data: str) -> None:
        """Press a button for a person."""
        body = {"person": person, "chat_id": chat_id, "message_id": message_id, "data": data}
        await self._ask("POST", "/page/tap", body)

    async def messages(self, person: int, chat_id: int, *, limit: int = 60) -> list[ChatMessage]:
        """Return the newest messages of a chat as a person sees them, oldest first."""
        answer = await self._ask("GET", f"/page/chats/{chat_id}/messages?person={person}&limit={limit}")
        return [_message(each) for each in answer["messages"]]

    async def transcript(self, chat_id: int) -> str:
        """Return a chat as text."""
        async with self._session.get(f"{self.address}/page/transcript?chat_id={chat_id}") as answer:
            return await answer.text()

    async def mids(self) -> dict[str, Decimal]:
        """Return the middle of the newest quote by symbol, such as BTC/USDT; what does not trade is left out."""
        answer = await self._ask("GET", "/exchange/api/v3/ticker/bookTicker")
        quotes = {each["symbol"]: (Decimal(each["bidPrice"]), Decimal(each["askPrice"])) for each in answer}
        return {
            instrument_of(name, "1", "1").symbol: (bid + ask) / 2 for name, (bid, ask) in quotes.items() if bid > 0 and ask > 0
        }

    async def account(self, name: str) -> Mapping[str, Any]:
        """Return the exchange's truth about an account: balances, orders and trades."""
        truth: Mapping[str, Any] = await self._ask("GET", f"/market/accounts/{name}")
        return truth

    async def pay_in(self, name: str, asset: str, amount: Decimal) -> None:
        """Pay into an account at the exchange."""
        await self._ask("POST", f"/market/accounts/{name}/transfer", {"asset": asset, "amount": str(amount)})

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            async with self._session.request(method, self.address + path, json=body) as answer:
                content = await answer.json(content_type=None)
                if answer.status != 200:
                    raise SandboxError(f"{path.partition('?')[0]}: {content.get('error', answer.status)}")
                return content
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SandboxError(f"{path.partition('?')[0]}: {type(error).__name__}") from error


def _message(row: dict[str, Any]) -> ChatMessage:
    buttons = [Button(text=each["text"], data=each.get("data", "")) for line in row["buttons"] or [] for each in line]
    return ChatMessage(
        message_id=row["message_id"],
        thread_id=row["thread_id"],
        from_bot=row["from"]["is_bot"],
        text=row["text"] or row["caption"] or "",
        buttons=tuple(buttons),
        has_photo=row["photo"] is not None,
        edited=row["edit_date"] or 0,
    )
