"""What one page of the runbook says."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.incidents import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One alert code, for somebody who was asleep a minute ago and has nothing but a phone.

    ``happened`` says what is wrong, ``done`` what the desk did about it by itself, ``exposed`` what may be lost and where it
    stands in money. ``next`` is the one command to send, and ``press`` what to do with its answer; ``steps`` follow when that
    does not help; ``closes`` says when it is over. Sentences, in plain words, without the code beside them.
    """

    severity: Severity
    happened: str
    done: str
    exposed: str
    next: str
    press: str
    steps: tuple[str, ...]
    closes: str
