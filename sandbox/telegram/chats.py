"""People, chats, topics and memberships."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.wire import JsonObject

ANONYMOUS_ADMIN = 1087968824
"""Telegram's own account @GroupAnonymousBot: the sender of what an anonymous administrator posts."""
CHANNEL_SENDER = 136817688
"""Telegram's own account @Channel_Bot: the sender of what a channel posts in a group."""

INSIDE = frozenset({"creator", "administrator", "member", "restricted"})
ADMINISTRATORS = frozenset({"creator", "administrator"})
BOT_RIGHTS = frozenset({"can_manage_chat", "can_delete_messages", "can_pin_messages", "can_manage_topics"})
_RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members",
    "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories",
    "can_delete_stories", "can_pin_messages", "can_manage_topics", "can_send_welcome_messages",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user; `note` is for the page and means nothing to the server."""

    id: int
    name: str
    username: str
    note: str = ""
    language: str = "en"
    is_bot: bool = False

    def wire(self) -> JsonObject:
        """Build the API's User object."""
        user: JsonObject = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            user["username"] = self.username
        if not self.is_bot:
            user["language_code"] = self.language
        return user


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """How somebody stands in a chat: creator, administrator, member, restricted, left or kicked."""

    status: str
    rights: frozenset[str] = frozenset()

    @property
    def inside(self) -> bool:
        return self.status in INSIDE

    def wire(self, user: JsonObject) -> JsonObject:
        """Build the API's ChatMember object."""
        entry: JsonObject = {"user": user, "status": self.status}
        if self.status == "creator":
            entry["is_anonymous"] = False
        elif self.status == "administrator":
            entry.update({"can_be_edited": False, "is_anonymous": False})
            entry.update({right: right in self.rights for right in _RIGHTS})
        elif self.status == "kicked":
            entry["until_date"] = 0
        return entry


OUTSIDE = Member(status="left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of a forum; its id is the id of the service message that opened it."""

    thread_id: int
    name: str
    icon_color: int
    closed: bool = False
    icon_custom_emoji_id: str = ""


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat as the server knows it. A private chat carries its person's id."""

    id: int
    type: str
    title: str = ""
    is_forum: bool = False
    started: bool = False
    blocked: bool = False
    migrated_to: int = 0
    migrated_from: int = 0
    last_message_id: int = 0
    last_ephemeral_id: int = 0
    members: dict[int, Member] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)

    @property
    def is_private(self) -> bool:
        return self.type == "private"

    def member(self, user_id: int) -> Member:
        return self.members.get(user_id, OUTSIDE)

    def row(self) -> JsonObject:
        """Build what the store keeps."""
        return {
            "id": self.id, "type": self.type, "title": self.title, "is_forum": self.is_forum,
            "started": self.started, "blocked": self.blocked, "migrated_to": self.migrated_to,
            "migrated_from": self.migrated_from, "pinned": self.pinned,
            "members": {str(key): [value.status, sorted(value.rights)] for key, value in self.members.items()},
            "topics": [
                [topic.thread_id, topic.name, topic.icon_color, topic.closed, topic.icon_custom_emoji_id]
                for topic in self.topics.values()
            ],
        }  # fmt: skip


def chat_from_row(row: JsonObject) -> Chat:
    """Build a chat from what the store kept."""
    values: dict[str, Any] = dict(row)
    values["members"] = {
        int(key): Member(status=status, rights=frozenset(rights)) for key, (status, rights) in row["members"].items()
    }
    values["topics"] = {
        entry[0]: Topic(thread_id=entry[0], name=entry[1], icon_color=entry[2], closed=entry[3], icon_custom_emoji_id=entry[4])
        for entry in row["topics"]
    }
    return Chat(**values)
