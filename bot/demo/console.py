"""The one place where the demo speaks: plain lines for whoever started it."""

from __future__ import annotations

import typer


class CannotStart(Exception):
    """The demo cannot go on as asked; ``cause`` says why and ``fix`` what to do."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix


class Console:
    """Says what happens; a headless demo keeps standard output for its last line."""

    def __init__(self, *, headless: bool) -> None:
        self._to_errors = headless

    def say(self, text: str) -> None:
        """Say one line of progress."""
        typer.echo(text, err=self._to_errors)

    def fail(self, error: CannotStart) -> None:
        """Say why the demo ends here, and what to do about it."""
        typer.echo(f"{error.cause}\nfix: {error.fix}", err=True)

    def result(self, text: str) -> None:
        """Give the last line on standard output."""
        typer.echo(text)
