"""Refusals, in Telegram's words where Telegram has words for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.telegram.wire import JsonObject


@dataclass(eq=False)
class Refused(Exception):
    """A call that is answered with `ok: false`."""

    code: int
    description: str
    parameters: JsonObject = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code} {self.description}"

    def body(self) -> JsonObject:
        """Build the answer's JSON object."""
        answer: JsonObject = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class Misuse(Exception):
    """The person's side was asked for something no Telegram client can do; says what and why."""


def bad(reason: str, **parameters: int) -> Refused:
    """Refuse with 400; `reason` starts in lower case as Telegram's do, constants stay in capitals."""
    return Refused(400, f"Bad Request: {_lowered(reason)}", dict(parameters))


def forbidden(reason: str) -> Refused:
    return Refused(403, f"Forbidden: {reason}")


def conflict(reason: str) -> Refused:
    return Refused(409, f"Conflict: {reason}")


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized")


def not_found(reason: str = "") -> Refused:
    return Refused(404, f"Not Found: {reason}" if reason else "Not Found")


def too_many(seconds: int) -> Refused:
    return Refused(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def chat_not_found() -> Refused:
    return bad("chat not found")


def message_missing(purpose: str) -> Refused:
    """Refuse a message id that is not there; `purpose` is Telegram's phrase, such as "message to edit"."""
    return bad(f"{purpose} not found")


def not_modified() -> Refused:
    return bad(
        "message is not modified: specified new message content and reply markup are exactly the same"
        " as a current content and reply markup of the message"
    )


def query_too_old() -> Refused:
    return bad("query is too old and response timeout expired or query ID is invalid")


def unserved(what: str) -> Refused:
    """Refuse what the real server does and this one does not, saying so."""
    return bad(f"{what} is not served by this sandbox")


def _lowered(reason: str) -> str:
    starts_a_constant = len(reason) > 1 and (reason[1].isupper() or reason[1] == "_")
    return reason if starts_a_constant else reason[:1].lower() + reason[1:]
