"""The wire form of a request: query, form, JSON or multipart, read into parameters and uploads."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, ClientResponse, MultipartReader, web
from aiohttp.multipart import MultipartResponseWrapper

from sandbox.telegram.failures import Refused, bad
from sandbox.telegram.files import Upload

Parts = MultipartReader | MultipartResponseWrapper
MOST_BYTES = 64 * 1024 * 1024


async def read(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Read the parameters and uploads of a request; refuse what cannot be read or names a thing twice."""
    parameters: dict[str, Any] = {}
    uploads: dict[str, Upload] = {}
    if request.query_string:
        _add_pairs(parameters, request.query_string)
    if (request.content_length or 0) > MOST_BYTES:
        raise Refused(413, "Request Entity Too Large")
    if request.body_exists:
        kind = request.content_type
        if kind == "multipart/form-data":
            await _add_parts(parameters, uploads, await request.multipart())
        else:
            _add_body(parameters, await request.read(), kind)
    return parameters, uploads


async def read_answer(answer: ClientResponse) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Read the call a bot may put into its answer to a webhook, in the same forms; nothing where there is none."""
    parameters: dict[str, Any] = {}
    uploads: dict[str, Upload] = {}
    if answer.content_type == "multipart/form-data":
        await _add_parts(parameters, uploads, MultipartReader.from_response(answer))
    else:
        body = await answer.read()
        if answer.content_type in ("application/json", "application/x-www-form-urlencoded"):
            _add_body(parameters, body, answer.content_type)
    return parameters, uploads


def _add_body(parameters: dict[str, Any], body: bytes, kind: str) -> None:
    if not body:
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise bad("strings must be encoded in UTF-8") from None
    if kind == "application/json":
        _add_json(parameters, text)
    elif kind == "application/x-www-form-urlencoded":
        _add_pairs(parameters, text)
    else:
        raise bad(f"unsupported content type {kind}")


def _add_json(parameters: dict[str, Any], text: str) -> None:
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise bad(f"can't parse request: {error}") from None
    if not isinstance(value, dict):
        raise bad("can't parse request: object expected")
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    for name, entry in value.items():
        _put(parameters, name, entry)


def _add_pairs(parameters: dict[str, Any], text: str) -> None:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise bad("strings must be encoded in UTF-8") from None
    for name, value in pairs:
        _put(parameters, name, value)


async def _add_parts(parameters: dict[str, Any], uploads: dict[str, Upload], parts: Parts) -> None:
    try:
        async for part in parts:
            if not isinstance(part, BodyPartReader) or not part.name:
                raise bad("can't parse request: a part without a name")
            content = bytes(await part.read(decode=True))
            if part.filename is None:
                try:
                    _put(parameters, part.name, content.decode())
                except UnicodeDecodeError:
                    raise bad("strings must be encoded in UTF-8") from None
                continue
            if part.name in uploads or part.name in parameters:
                raise bad(f'duplicated part "{part.name}"')
            mime = part.headers.get("Content-Type", "application/octet-stream")
            uploads[part.name] = Upload(filename=part.filename, mime=mime, content=content)
    except ValueError as error:
        raise bad(f"can't parse request: {error}") from None
    if sum(len(upload.content) for upload in uploads.values()) > MOST_BYTES:
        raise Refused(413, "Request Entity Too Large")


def _put(parameters: dict[str, Any], name: str, value: Any) -> None:
    if name in parameters:
        raise bad(f'duplicated parameter "{name}"')
    parameters[name] = value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("an object names a field twice")
    return result


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise bad("strings must be encoded in UTF-8") from None
