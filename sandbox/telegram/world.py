"""The chat as a whole: the state machine with its people, chats and topics as they are at the first start."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.clock import Clock
from sandbox.telegram import objects
from sandbox.telegram.chats import BOT_RIGHTS, Chat, Member, Person
from sandbox.telegram.groups import ICON_COLORS, GroupSide
from sandbox.telegram.messages import Message

ANN, TOM, CARL, CORA, OLGA, SAM = 1001, 1002, 2001, 2002, 3001, 9001
DESK = -1001000000001
TOPICS = {"Missions": 2, "Fills": 3, "Risk": 4, "Digest": 5}
"""The Desk's topics and their thread ids."""
BOT_NAME, BOT_USERNAME = "Sortie", "sortie_desk_bot"

PEOPLE = (
    Person(id=ANN, name="Ann", username="ann_trades", note="trader"),
    Person(id=TOM, name="Tom", username="tom_trades", note="trader"),
    Person(id=CARL, name="Carl", username="carl_commands", note="commander"),
    Person(id=CORA, name="Cora", username="cora_commands", note="commander"),
    Person(id=OLGA, name="Olga", username="olga_observes", note="observer"),
    Person(id=SAM, name="Sam", username="sam_stranger", note="stranger"),
)


class World(GroupSide):
    """A Telegram for one bot, in memory. Drive it directly, or put HTTP over it."""

    def __init__(
        self,
        *,
        clock: Clock,
        bot_id: int,
        seed: int = 0,
        started: Iterable[int] = (),
        limits_on: bool = True,
        reads_all: bool = False,
    ) -> None:
        bot = Person(id=bot_id, name=BOT_NAME, username=BOT_USERNAME, is_bot=True)
        super().__init__(clock=clock, bot=bot, seed=seed, limits_on=limits_on, reads_all=reads_all)
        for person in PEOPLE:
            self.people[person.id] = person
            self.private_chat(person.id)
        for person_id in started:
            self._person_chat(person_id).started = True
        self._open_desk()
        # What is there at the start is not news to the bot.
        self.updates.drop_all()

    def transcript(self, chat_id: int, person_id: int | None = None) -> str:
        """Write a chat as text, one line a message with its buttons; as a person sees it, or all of it."""
        if person_id is None:
            whispered = [message for message in self.ephemeral.values() if message.chat_id == chat_id]
            messages = sorted([*self.messages.get(chat_id, {}).values(), *whispered], key=lambda one: one.place)
        else:
            messages = self.seen(person_id, chat_id)
        return "\n".join(self._line(message) for message in messages)

    def _line(self, message: Message) -> str:
        name = objects.user(self, message.sender_id)["first_name"]
        shown_id = f"e{message.ephemeral_id}" if message.ephemeral_id else str(message.message_id)
        parts = [f"{shown_id} {name}:"]
        if message.ephemeral_id:
            parts.append("(only for one)")
        if message.media:
            parts.append(f"[{message.media.kind}]")
        if message.service:
            parts.append(f"* {next(iter(message.service))}")
        parts.append(message.body.text)
        parts.extend(f"[{' | '.join(button['text'] for button in row)}]" for row in message.keyboard)
        return " ".join(part for part in parts if part)

    def _open_desk(self) -> None:
        desk = Chat(id=DESK, type="supergroup", title="Desk", is_forum=True)
        desk.members = {person: Member(status="member") for person in (ANN, TOM, OLGA)}
        desk.members[CARL] = Member(status="creator")
        desk.members[CORA] = Member(status="administrator", rights=BOT_RIGHTS)
        desk.members[self.bot.id] = Member(status="administrator", rights=BOT_RIGHTS)
        self.chats[DESK] = desk
        self.note(desk, CARL, {"supergroup_chat_created": True})
        for name, color in zip(TOPICS, ICON_COLORS, strict=False):
            self.open_topic(desk, CARL, name, color)
