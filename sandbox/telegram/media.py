"""Photos and documents of a call: uploaded, attached, or named by a file id."""

from __future__ import annotations

from sandbox.telegram import texts
from sandbox.telegram.calls import Call
from sandbox.telegram.entities import FormattedText
from sandbox.telegram.failures import bad, unserved
from sandbox.telegram.files import StoredFile, Upload, check_document, photo_sides
from sandbox.telegram.messages import Media
from sandbox.telegram.wire import JsonObject


def received(call: Call, given: Upload | str, kind: str, *, spoiler: bool = False) -> Media:
    """Keep the photo or document a parameter gives, or find the stored one its file id names."""
    upload = attached(call, given)
    stored = _kept(call, upload, kind) if isinstance(upload, Upload) else _known(call, upload, kind)
    return Media(kind=kind, file_id=stored.file_id, spoiler=spoiler)


def from_input_media(call: Call, given: JsonObject) -> tuple[Media, FormattedText | None]:
    """Read an InputMedia object: the media and its caption."""
    kind = given["type"]
    caption = texts.caption(call.world, given.get("caption", ""), given.get("parse_mode"), given.get("caption_entities"))
    media = received(call, given["media"], kind, spoiler=given.get("has_spoiler", False))
    return media, caption if caption.text else None


def attached(call: Call, given: Upload | str) -> Upload | str:
    """Follow attach:// to the part of the request it names."""
    if isinstance(given, Upload) or not given.startswith("attach://"):
        return given
    part = given.removeprefix("attach://")
    if part not in call.uploads:
        raise bad(f'wrong file identifier/HTTP URL specified: the request has no part "{part}"')
    return call.uploads[part]


def _kept(call: Call, upload: Upload, kind: str) -> StoredFile:
    if kind == "photo":
        width, height = photo_sides(upload)
        return call.world.keep_file(upload, width, height)
    check_document(upload)
    return call.world.keep_file(upload)


def _known(call: Call, reference: str, kind: str) -> StoredFile:
    if not reference:
        raise bad(f"there is no {kind} in the request")
    if reference.startswith(("http://", "https://")):
        raise unserved("fetching a file from an HTTP URL")
    stored = call.world.stored_files.get(reference)
    if stored is None:
        raise bad("wrong file identifier/HTTP URL specified")
    if (stored.width > 0) != (kind == "photo"):
        actual = "Photo" if stored.width else "Document"
        raise bad(f"can't use file of type {actual} as {kind.capitalize()}")
    return stored
