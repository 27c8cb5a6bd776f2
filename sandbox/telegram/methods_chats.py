"""The methods about chats and their members."""

from __future__ import annotations

from sandbox.telegram import objects
from sandbox.telegram.calls import Call, Handler
from sandbox.telegram.chats import ADMINISTRATORS
from sandbox.telegram.failures import bad
from sandbox.telegram.wire import JsonObject

_MEMBERS_MAY = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_invite_users", "can_react_to_messages", "can_edit_tag",
)  # fmt: skip
_MEMBERS_MAY_NOT = ("can_change_info", "can_pin_messages", "can_manage_topics")


def get_chat(call: Call) -> JsonObject:
    chat = call.chat(write=False)
    world = call.world
    info = objects.chat(world, chat) | {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": chat.is_private, "limited_gifts": chat.is_private, "unique_gifts": chat.is_private,
            "premium_subscription": chat.is_private, "gifts_from_channels": chat.is_private,
        },
    }  # fmt: skip
    if chat.is_private:
        username = world.people[chat.id].username
        if username:
            info["active_usernames"] = [username]
    else:
        info["permissions"] = dict.fromkeys(_MEMBERS_MAY, True) | dict.fromkeys(_MEMBERS_MAY_NOT, False)
    pinned = world.find((chat.id, chat.pinned[0], 0)) if chat.pinned else None
    if pinned:
        info["pinned_message"] = objects.message(world, pinned, nested=True)
    return info


def get_chat_member(call: Call) -> JsonObject:
    chat = call.chat(write=False)
    user_id = call.get("user_id")
    if user_id not in call.world.people:
        raise bad("user not found")
    if chat.is_private and user_id not in chat.members:
        raise bad("PARTICIPANT_ID_INVALID")
    return chat.member(user_id).wire(objects.user(call.world, user_id))


def get_chat_member_count(call: Call) -> int:
    return sum(member.inside for member in call.chat(write=False).members.values())


def get_chat_administrators(call: Call) -> list[JsonObject]:
    chat = call.chat(write=False)
    if chat.is_private:
        raise bad("there are no administrators in the private chat")
    return [
        member.wire(objects.user(call.world, user_id))
        for user_id, member in chat.members.items()
        # Telegram lists administrators without the other bots; this one is not another.
        if member.status in ADMINISTRATORS
    ]


def leave_chat(call: Call) -> bool:
    chat = call.chat()
    if chat.is_private:
        raise bad("chat member status can't be changed in private chats")
    call.world.leave_as_bot(chat)
    return True


METHODS: dict[str, Handler] = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
}
