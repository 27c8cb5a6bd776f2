"""One tree of errors; each class says what the caller should do.

SortieError
├── Refused            tell the person: code, value, limit; nothing was changed
│   ├── NotAllowed     authority is missing
│   ├── NotFound       the thing named does not exist, or not for this person
│   └── Expired        the button or command is too old; offer a fresh one
├── AlreadyDone        the effect exists; answer with what stands
├── VenueError         what a venue write or query came to
│   ├── VenueRejected  proven by the venue: it did not take the order
│   └── VenueDoubt     nobody knows; query, never resend
├── Unavailable        a resource is not there now; try again later or halt
└── Misconfigured      stop the start; the operator must mend key, file and fix
"""

from __future__ import annotations

from collections.abc import Mapping


class SortieError(Exception):
    """Carry a stable code and the values that explain it."""

    def __init__(self, code: str, /, **values: object) -> None:
        self.code = code
        self.values: Mapping[str, object] = values
        detail = ", ".join(f"{name}={value}" for name, value in values.items())
        super().__init__(f"{code}({detail})" if detail else code)


class Refused(SortieError):
    """Answer the person with the code and the values; nothing was changed."""


class NotAllowed(Refused):
    """Answer that the person's role does not reach this."""


class NotFound(Refused):
    """Answer that nothing of that name exists for this person."""


class Expired(Refused):
    """Offer a fresh card instead of acting."""


class AlreadyDone(SortieError):
    """Show what stands; the effect was booked before."""


class VenueError(SortieError):
    """The outcome of a venue call was not a plain success."""


class VenueRejected(VenueError):
    """Book the instruction as rejected: the venue proved that it did not take it."""


class VenueDoubt(VenueError):
    """Book the instruction as unknown and query; it must never be sent again."""


class Unavailable(SortieError):
    """Treat the missing resource as a refusal for anything that adds exposure."""


class Misconfigured(SortieError):
    """Stop the start and print the key, where it stands and how to mend it."""


class IllegalMove(SortieError):
    """A state machine was asked for a move that its table does not list: a defect, never a user's mistake."""
