"""The methods that put messages into a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.telegram import keyboards, objects, texts
from sandbox.telegram.calls import Call, Handler
from sandbox.telegram.chats import Chat
from sandbox.telegram.entities import FormattedText
from sandbox.telegram.events import KeyboardChanged, Typing
from sandbox.telegram.failures import bad, message_missing, query_too_old, unserved
from sandbox.telegram.media import from_input_media, received
from sandbox.telegram.messages import Media, Message, Origin
from sandbox.telegram.state import EPHEMERAL_SECONDS
from sandbox.telegram.wire import JsonObject

_ACTIONS = frozenset(
    {
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
        "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whisper:
    """Who an ephemeral message is for, and the message it stands in for (0 is none)."""

    receiver_id: int
    replaces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    message_id: int = 0
    ephemeral_id: int = 0
    quote: FormattedText | None = None


def send_message(call: Call) -> JsonObject:
    text = texts.text(call.world, call.get("text"), call.get("parse_mode"), call.get("entities"))
    return objects.message(call.world, _send(call, text=text))


def send_photo(call: Call) -> JsonObject:
    caption = _caption(call)
    chat = call.chat()
    media = received(call, call.get("photo"), "photo", spoiler=call.get("has_spoiler", False))
    return objects.message(call.world, _send(call, chat=chat, caption=caption, media=media))


def send_document(call: Call) -> JsonObject:
    caption = _caption(call)
    chat = call.chat()
    media = received(call, call.get("document"), "document")
    return objects.message(call.world, _send(call, chat=chat, caption=caption, media=media))


def send_media_group(call: Call) -> list[JsonObject]:
    chat = call.chat()
    items = [from_input_media(call, item) for item in call.get("media")]
    if len({media.kind for media, _ in items}) > 1:
        raise bad("Can't use the media of the specified type in the album")
    thread_id, reply = call.thread(chat), _reply(call, chat, None)
    call.world.limits.spend_message(chat.id, group=not chat.is_private, amount=len(items))
    album = str(call.world.new_id("album"))
    sent = []
    for media, caption in items:
        draft = replace(_drafted(call, chat, thread_id, reply), caption=caption, media=media, album=album)
        sent.append(_posted(call, chat, draft))
    return [objects.message(call.world, message) for message in sent]


def forward_message(call: Call) -> JsonObject:
    chat = call.chat()
    source = call.message("message to forward", call.chat("from_chat_id", write=False))
    return objects.message(call.world, _forward(call, chat, [source])[0])


def forward_messages(call: Call) -> list[JsonObject]:
    chat = call.chat()
    sent = _forward(call, chat, _sources(call, "forward"))
    return [{"message_id": message.message_id} for message in sent]


def copy_message(call: Call) -> JsonObject:
    chat = call.chat()
    source = call.message("message to copy", call.chat("from_chat_id", write=False))
    _check_copyable(source, "copied")
    caption = _caption(call) if "caption" in call.arguments and source.media else source.caption
    message = _send(call, chat=chat, text=source.text, caption=caption, media=source.media)
    return {"message_id": message.message_id}


def copy_messages(call: Call) -> list[JsonObject]:
    chat = call.chat()
    sources = _sources(call, "copy")
    for source in sources:
        _check_copyable(source, "copied")
    thread_id = call.thread(chat)
    call.world.limits.spend_message(chat.id, group=not chat.is_private, amount=len(sources))
    without = call.get("remove_caption", False)
    sent = []
    for source in sources:
        draft = _drafted(call, chat, thread_id, _Reply())
        caption = None if without else source.caption
        sent.append(_posted(call, chat, replace(draft, text=source.text, caption=caption, media=source.media)))
    return [{"message_id": message.message_id} for message in sent]


def send_chat_action(call: Call) -> bool:
    if call.get("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    chat = call.chat()
    call.world.tell(Typing(chat_id=chat.id, thread_id=call.thread(chat), action=call.get("action")))
    return True


def send_message_draft(call: Call) -> bool:
    """Show a draft in a private chat: the page shows it as typing, since a draft is no message."""
    if not call.get("draft_id"):
        raise bad("draft_id must be non-zero")
    chat = call.chat()
    if not chat.is_private:
        raise bad("method is available for private chats only")
    if call.get("text"):
        texts.text(call.world, call.get("text"), call.get("parse_mode"), call.get("entities"))
    call.world.tell(Typing(chat_id=chat.id, thread_id=call.thread(chat), action="typing"))
    return True


METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendMediaGroup": send_media_group,
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
}


def _send(
    call: Call,
    *,
    chat: Chat | None = None,
    text: FormattedText | None = None,
    caption: FormattedText | None = None,
    media: Media | None = None,
) -> Message:
    """Check what all sends share, spend the rate, and post one message with its keyboard."""
    world = call.world
    chat = chat or call.chat()
    thread_id = call.thread(chat)
    whisper = _whisper(call, chat)
    reply = _reply(call, chat, whisper)
    markup = call.get("reply_markup") or {}
    rows = keyboards.inline(markup, chat, ephemeral=whisper is not None) if "inline_keyboard" in markup else ()
    if "keyboard" in markup:
        keyboards.check_reply_keyboard(markup)
    if whisper:
        world.limits.spend_message(whisper.receiver_id, group=False)
    else:
        world.limits.spend_message(chat.id, group=not chat.is_private)
    draft = _drafted(call, chat, thread_id, reply)
    draft = replace(draft, text=text, caption=caption, media=media, keyboard=rows)
    message = _posted(call, chat, draft, whisper)
    if markup and "inline_keyboard" not in markup:
        _set_keyboard(call, chat, message, markup)
    return message


def _drafted(call: Call, chat: Chat, thread_id: int, reply: _Reply) -> Message:
    if "message_effect_id" in call.arguments and not chat.is_private:
        raise bad("message effects can be used in private chats only")
    return Message(
        chat_id=chat.id,
        message_id=0,
        date=call.world.now(),
        sender_id=call.world.bot.id,
        thread_id=thread_id or _thread_of_reply(call, chat, reply),
        caption_above=call.get("show_caption_above_media", False),
        reply_to=reply.message_id,
        reply_to_ephemeral=reply.ephemeral_id,
        quote=reply.quote,
        link_preview=call.get("link_preview_options"),
        effect_id=call.get("message_effect_id", ""),
        silent=call.get("disable_notification", False),
        protected=call.get("protect_content", False),
    )


def _posted(call: Call, chat: Chat, draft: Message, whisper: _Whisper | None = None) -> Message:
    world = call.world
    if whisper is None:
        return world.post(replace(draft, message_id=world.next_message_id(chat)))
    return world.post(
        replace(
            draft, ephemeral_id=world.next_ephemeral_id(chat), receiver_id=whisper.receiver_id,
            after=chat.last_message_id, replaces=whisper.replaces,
        )
    )  # fmt: skip


def _caption(call: Call) -> FormattedText | None:
    result = texts.caption(call.world, call.get("caption", ""), call.get("parse_mode"), call.get("caption_entities"))
    return result if result.text else None


def _thread_of_reply(call: Call, chat: Chat, reply: _Reply) -> int:
    """A reply without a topic goes to the topic of what it replies to."""
    replied = call.world.find((chat.id, reply.message_id, reply.ephemeral_id))
    return replied.thread_id if replied else 0


def _reply(call: Call, chat: Chat, whisper: _Whisper | None) -> _Reply:
    given = call.get("reply_parameters")
    if not given:
        return _Reply()
    if given.get("chat_id", chat.id) != chat.id:
        raise unserved("a reply to a message of another chat")
    if "ephemeral_message_id" in given:
        if whisper is None:
            raise bad("a reply to an ephemeral message must itself be an ephemeral message")
        return _Reply(ephemeral_id=given["ephemeral_message_id"])
    if "message_id" not in given:
        raise bad("can't parse reply parameters: can't find field \"message_id\"")
    replied = call.world.find((chat.id, given["message_id"], 0))
    if replied is None:
        if given.get("allow_sending_without_reply") and whisper is None:
            return _Reply()
        raise message_missing("message to be replied")
    quote = None
    if given.get("quote"):
        quote = texts.caption(call.world, given["quote"], given.get("quote_parse_mode"), given.get("quote_entities"))
        if quote.text not in replied.body.text:
            raise bad("QUOTE_TEXT_INVALID")
    return _Reply(message_id=replied.message_id, quote=quote)


def _whisper(call: Call, chat: Chat) -> _Whisper | None:
    """Check the right to an ephemeral message.

    Groups only. An administrator may send one to any member at any time, another bot within 15 s of a press
    or of an ephemeral command of that person. A press that was answered is closed, so it is not accepted.
    """
    given = call.get("ephemeral_message_parameters")
    if not given:
        return None
    if chat.is_private:
        raise bad("BOT_NOT_ADMIN")
    world, receiver_id = call.world, given["receiver_user_id"]
    if not chat.member(receiver_id).inside or world.people[receiver_id].is_bot:
        raise bad("PARTICIPANT_ID_INVALID")
    replaces = 0
    if "callback_query_id" in given:
        query = world.queries.get(given["callback_query_id"])
        if (
            query is None
            or query.answered
            or (query.person_id, query.chat_id) != (receiver_id, chat.id)
            or world.clock.now() > query.created + EPHEMERAL_SECONDS
        ):
            raise query_too_old()
        if given.get("replace_callback_query_message"):
            if query.ephemeral_id:
                raise bad("replace_callback_query_message must be False for callback queries from ephemeral messages")
            replaces = query.message_id
    elif given.get("replace_callback_query_message"):
        raise bad("replace_callback_query_message needs a callback_query_id")
    elif not world.is_admin(chat, world.bot.id) and not _answers_ephemeral(call, chat, receiver_id):
        raise bad("BOT_NOT_ADMIN")
    return _Whisper(receiver_id=receiver_id, replaces=replaces)


def _answers_ephemeral(call: Call, chat: Chat, receiver_id: int) -> bool:
    ephemeral_id = (call.get("reply_parameters") or {}).get("ephemeral_message_id", 0)
    command = call.world.find((chat.id, 0, ephemeral_id)) if ephemeral_id else None
    return (
        command is not None and command.sender_id == receiver_id and call.world.clock.now() <= command.date + EPHEMERAL_SECONDS
    )


def _set_keyboard(call: Call, chat: Chat, message: Message, markup: JsonObject) -> None:
    """Show a reply keyboard, or take it away, for whom the message is meant."""
    world = call.world
    if message.receiver_id:
        readers = [message.receiver_id]
    elif markup.get("selective"):
        replied = world.find((chat.id, message.reply_to, 0)) if message.reply_to else None
        readers = [replied.sender_id] if replied else []
    else:
        readers = [key for key, member in chat.members.items() if member.inside and key != world.bot.id]
    for reader in readers:
        if markup.get("remove_keyboard"):
            world.keyboards.pop((chat.id, reader), None)
            world.touch("keyboard", f"{chat.id}:{reader}", None)
        else:
            world.keyboards[chat.id, reader] = markup
            world.touch("keyboard", f"{chat.id}:{reader}", markup)
        world.tell(KeyboardChanged(chat_id=chat.id, person_id=reader))


def _sources(call: Call, verb: str) -> list[Message]:
    source_chat = call.chat("from_chat_id", write=False)
    ids = call.get("message_ids")
    if sorted(set(ids)) != list(ids):
        raise bad("message identifiers must be in a strictly increasing order")
    found = [message for one in ids if (message := call.world.find((source_chat.id, one, 0)))]
    if not found:
        raise bad(f"there are no messages to {verb}")
    return found


def _check_copyable(source: Message, participle: str) -> None:
    if source.protected:
        raise bad(f"message has protected content and can't be {participle}")
    if source.service:
        raise bad(f"message can't be {participle}")


def _forward(call: Call, chat: Chat, sources: Sequence[Message]) -> list[Message]:
    for source in sources:
        _check_copyable(source, "forwarded")
    thread_id = call.thread(chat)
    call.world.limits.spend_message(chat.id, group=not chat.is_private, amount=len(sources))
    sent = []
    for source in sources:
        origin = source.origin or Origin(user_id=source.sender_id, date=source.date)
        draft = _drafted(call, chat, thread_id, _Reply())
        sent.append(
            _posted(call, chat, replace(draft, text=source.text, caption=source.caption, media=source.media, origin=origin))
        )
    return sent
