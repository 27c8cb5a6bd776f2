"""What a shell command prints when it cannot do its work: a cause and a fix, no traceback for a known mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from config.settings import SettingsError
    from services.domain.errors import Misconfigured

EXIT_FAILED = 1
EXIT_SETTINGS = 2
EXIT_RUNNING = 3


def guarded(app: typer.Typer) -> int:
    """Run the command line and return its exit code; settings that stop the start become a table and code 2."""
    try:
        app(prog_name="sortie")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:  # noqa: BLE001 - the outermost edge: everything is shown, and becomes an exit code
        from bot.identity import NoIdentity
        from bot.lock import AlreadyRunning
        from bot.storage_errors import cause_and_fix
        from config.settings import SettingsError
        from services.domain.errors import Misconfigured

        if isinstance(error, SettingsError):
            _show_problems(error)
        elif isinstance(error, Misconfigured):
            _show_misconfigured(error)
        elif isinstance(error, NoIdentity):
            _show(error.cause, error.fix)
        elif isinstance(error, AlreadyRunning):
            _show(f"a desk runs here: {error.holder}", "stop it first: Ctrl-C or SIGTERM")
            return EXIT_RUNNING
        elif (trouble := cause_and_fix(error)) is not None:
            _show(*trouble)
            return EXIT_FAILED
        else:
            _show_defect(error)
            return EXIT_FAILED
        return EXIT_SETTINGS
    return 0


def _show_problems(error: SettingsError) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="The settings stop the start", title_justify="left", show_lines=True)
    for name in ("key", "where", "what", "fix"):
        table.add_column(name, overflow="fold")
    for each in error.problems:
        table.add_row(each.key, each.where, each.message, each.fix)
    Console(stderr=True, highlight=False, markup=False).print(table)


def _show_defect(error: Exception) -> None:
    import secrets
    import traceback

    from bot.redaction import process_redactor

    error_id = secrets.token_hex(4)
    if _logged(error, error_id):
        where = f"sortie errors {error_id} shows what happened"
    else:
        # The traceback is for whoever mends this; what it quotes may hold a secret.
        text = "".join(traceback.format_exception(error))
        typer.echo(process_redactor.clean(text, keep_lines=True), err=True)
        where = "it could not be logged"
    typer.echo(f"Something went wrong here. Error {error_id}: {where}", err=True)


def _logged(error: Exception, error_id: str) -> bool:
    """Tell whether a desk's log has the error now; there may be no desk here, or somebody else's."""
    import structlog

    from bot.logging import beside_the_desk
    from config.settings import SettingsError, load_settings

    log = structlog.get_logger()
    try:
        with beside_the_desk(load_settings()) as file:
            log.error("command.crashed", error_id=error_id, exc_info=error)
            return not file.failed
    except (SettingsError, OSError):
        return False


def _show_misconfigured(error: Misconfigured) -> None:
    values = {name: str(value) for name, value in error.values.items()}
    fix = values.pop("fix", None)
    detail = ", ".join(value if name == "cause" else f"{name} {value}" for name, value in values.items())
    _show(f"{error.code}: {detail}" if detail else error.code, fix)


def _show(cause: str, fix: str | None) -> None:
    from bot.redaction import process_redactor

    typer.echo(process_redactor.clean(cause), err=True)
    if fix is not None:
        typer.echo(process_redactor.clean(f"fix: {fix}"), err=True)
