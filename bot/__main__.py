"""The ``sortie`` command. Nothing heavy is imported until a command runs, so that ``--help`` answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.backtest_command import backtest
from bot.candle_commands import candles
from bot.command_settings import command_settings
from bot.key_commands import keys
from bot.screener_commands import screener
from bot.source_commands import source
from bot.strategy_commands import strategy

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="sortie",
    help="A trading desk that lives in a Telegram chat.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback that shows local variables would show secrets.
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
database = typer.Typer(help="Move the database's schema, or say where it stands.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(keys, name="keys")
app.add_typer(candles, name="candles")
app.command()(backtest)
app.add_typer(screener, name="screener")
app.add_typer(source, name="source")
app.add_typer(strategy, name="strategy")
proof = typer.Typer(help="Show why the gate allowed or denied a trade, and check the proof of it.", no_args_is_help=True)
app.add_typer(proof, name="proof")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OfVerdict = Annotated[
    str,
    typer.Argument(
        metavar="TRADE|VERDICT|FILE",
        help="A trade's number, m12 for mission 12, p12 for what its preview showed, an id, or a proof's file.",
    ),
]


@app.command()
def run(
    live: Annotated[list[str] | None, typer.Option(metavar="TERMINAL", help="Confirm that this terminal is live.")] = None,
) -> None:
    """Run the desk on Telegram until it is told to stop."""
    from bot.running import run as run_desk

    raise typer.Exit(run_desk(command_settings(), frozenset(live or ())))


@app.command()
def demo(
    candles: Annotated[
        list[Path] | None, typer.Option(metavar="FILE...", help="Recorded candles to play, CSV or CSV.gz.")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More candle files.")] = None,
    bar: Annotated[int | None, typer.Option(min=1, help="Whole seconds that one bar lasts.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the invented market.")] = None,
    start: Annotated[str, typer.Option(help="Bar to begin at; auto lets the first mission come soon.")] = "auto",
    headless: Annotated[bool, typer.Option("--headless", help="Let a scripted trader and commander play.")] = False,
    seconds: Annotated[float | None, typer.Option(min=1, help="End after this long.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 0,
    state: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder that keeps the demo's state.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the state of earlier demos.")] = False,
) -> None:
    """Play on paper in a chat in your browser; no account, no network needed."""
    from bot.demo_options import DemoOptions

    options = DemoOptions(
        candles=tuple(_existing([*(candles or ()), *(more or ())])),
        bar_s=bar,
        seed=seed,
        start=_start(start),
        headless=headless,
        seconds=seconds,
        port=port,
        state_dir=state,
        open_browser=browser,
        fresh=fresh,
    )
    from bot.demo.main import run_demo

    raise typer.Exit(run_demo(options))


@app.command()
def init(
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File that holds the bot's token.")] = None,
    api_base: Annotated[str | None, typer.Option(metavar="URL", help="Another Bot API server.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the configuration that is there.")] = False,
) -> None:
    """Set up a desk on Telegram: check the token, write the settings, print the link that makes you commander."""
    from bot.first_run import InitOptions, initialise

    raise typer.Exit(initialise(InitOptions(token_file=token_file, api_base=api_base, yes=yes, force=force)))


@database.command()
def upgrade(revision: Annotated[str, typer.Argument(help="Where to.")] = "head") -> None:
    """Bring the schema up to date, creating the database when there is none."""
    from bot.database_commands import upgrade_database

    raise typer.Exit(upgrade_database(command_settings(), revision))


@database.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="Revision to go back to, or base for an empty database.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the schema back; what newer tables and columns hold is lost."""
    from bot.database_commands import downgrade_database

    raise typer.Exit(downgrade_database(command_settings(), revision, sure=yes))


@database.command()
def current() -> None:
    """Say which revision the database has and which this build knows."""
    from bot.database_commands import show_current

    raise typer.Exit(show_current(command_settings()))


@app.command()
def doctor(
    install: Annotated[bool, typer.Option("--install", help="Also whether the desk is at home on this machine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask settings, database, Telegram, venues, disk and clock how they are."""
    from bot.doctor_command import run_doctor

    raise typer.Exit(run_doctor(as_json=as_json, install=install))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how the desk is, from its database: stages, halts, queues; Telegram is not needed."""
    from bot.system import SystemClock
    from handlers.cli.status import show_status

    raise typer.Exit(show_status(command_settings(), SystemClock(), json=as_json))


@app.command()
def halt(
    reason: Annotated[str, typer.Argument(help="Why, for the journal and for whoever resumes.")] = "halted from the shell",
    scope: Annotated[str, typer.Option(help="What to halt: desk, or kind:name such as instrument:BTC/USDT.")] = "desk",
    lift: Annotated[bool, typer.Option("--lift", help="Lift a halt of something smaller than the desk.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Then take every entry off every venue, and wait for it.")] = False,
    flatten: Annotated[bool, typer.Option("--flatten", help="Then sell every position as well, and wait for it.")] = False,
) -> None:
    """Stop new exposure at once, with Telegram, the desk or a venue down too; protection stays, and exits pass."""
    from bot.system import SystemClock, SystemIds
    from handlers.cli.halt import halt_desk, lift_halt

    if (cancel or flatten) and (lift or scope != "desk"):
        raise typer.BadParameter("is for the whole desk, and lifts nothing", param_hint="--cancel, --flatten")
    settings, clock, ids = command_settings(), SystemClock(), SystemIds()
    if cancel or flatten:
        import asyncio

        from bot.shell_kill import ShellKill
        from handlers.cli.kill import KillCommand

        command = KillCommand(settings, clock, ids, ShellKill(settings, clock, ids), reason, flatten=flatten)
        raise typer.Exit(asyncio.run(command()))
    if lift:
        raise typer.Exit(lift_halt(settings, clock, ids, scope=scope))
    raise typer.Exit(halt_desk(settings, clock, ids, reason=reason, scope=scope))


@app.command()
def drill(
    which: Annotated[str, typer.Argument(metavar="kill|outage|restore|all", help="What is drilled.")] = "all",
) -> None:
    """Try a kill, an outage or a restore on paper, beside the desk; the desk remembers how it went."""
    from bot.drills.run import RunDrill
    from bot.system import SystemClock, SystemIds
    from handlers.cli.drill import kinds_of, run_drills
    from migrations import api

    try:
        kinds = kinds_of(which)
    except ValueError as error:
        raise typer.BadParameter(f"{which!r} is no drill", param_hint="kill|outage|restore|all") from error
    settings, clock = command_settings(), SystemClock()
    raise typer.Exit(run_drills(settings, clock, SystemIds(), RunDrill(settings, clock, api), kinds))


@app.command()
def backup(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Where to; unset: `backup.dir`.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, metavar="N", help="Keep only so many of the newest there.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Say which are there, and make none.")] = False,
) -> None:
    """Copy the desk's state into one file, beside a running desk too."""
    from bot.release import describe
    from bot.system import SystemClock
    from handlers.cli.backup import list_backups, make_backup

    settings = command_settings()
    if show:
        raise typer.Exit(list_backups(settings, folder=folder))
    raise typer.Exit(make_backup(settings, SystemClock(), version=describe(), folder=folder, keep=keep))


@app.command()
def restore(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A backup, or the folder of a rolling copy.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Take the newest that there is, of both.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even when an invariant fails in it.")] = False,
) -> None:
    """Put a backup in the place of the desk's state, which is kept aside; no desk may run."""
    from bot.lock import DeskLock
    from bot.system import SystemClock, SystemIds
    from handlers.cli.restore import run_restore
    from migrations import api

    if newest == (file is not None):
        raise typer.BadParameter("name a FILE, or say --newest", param_hint="FILE")
    settings, clock = command_settings(), SystemClock()
    lock = DeskLock(settings, clock.now())
    raise typer.Exit(run_restore(settings, clock, SystemIds(), lock=lock, schema=api, file=file, anyway=anyway))


@app.command("upgrade")
def upgrade_desk(
    stop: Annotated[bool, typer.Option("--stop", help="Stop the desk that runs here first.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even when an invariant fails.")] = False,
) -> None:
    """Back up, bring the state to what this build knows, verify it; when something fails all stays as it was."""
    from bot.lock import DeskLock, stop_holder
    from bot.release import describe
    from bot.system import SystemClock, SystemIds
    from handlers.cli.upgrade import run_upgrade
    from migrations import api

    settings, clock = command_settings(), SystemClock()
    if stop:
        stop_holder(settings.desk.state_dir, clock.now())
    lock = DeskLock(settings, clock.now())
    raise typer.Exit(run_upgrade(settings, clock, SystemIds(), version=describe(), lock=lock, schema=api, anyway=anyway))


@app.command()
def verify(
    what: Annotated[str, typer.Argument(metavar="journal", help="journal: walk it, and name the first bad row.")] = "",
    head: Annotated[
        str | None, typer.Option(metavar="HEAD", help="A head of the journal that you kept, as a digest shows it.")
    ] = None,
    require_all: Annotated[bool, typer.Option("--require-all", help="Fail when an invariant has no material.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the ten invariants over database, venue, logs and chat, or the journal alone, row by row."""
    from bot.redaction import secrets_in
    from bot.system import SystemClock
    from handlers.cli.verify import run_verify, run_verify_journal

    if what not in ("", "journal"):
        raise typer.BadParameter(f"{what!r} is nothing to verify alone", param_hint="journal")
    if head is not None and not what:
        raise typer.BadParameter("goes with journal", param_hint="--head")
    settings = command_settings()
    if what:
        raise typer.Exit(run_verify_journal(settings, SystemClock(), head=head, json=as_json))
    clock, secrets = SystemClock(), secrets_in(settings)
    raise typer.Exit(run_verify(settings, clock, secrets=secrets, require_all=require_all, json=as_json))


@proof.command("show")
def show_proof_of(reference: OfVerdict, as_json: AsJson = False) -> None:
    """Print every rule with its value and limit, and the hash; with --json the file that anyone can check alone."""
    from bot.system import SystemClock
    from handlers.cli.proof import show_proof

    raise typer.Exit(show_proof(command_settings(), SystemClock(), reference, json=as_json))


@proof.command("verify")
def verify_proof_of(
    reference: OfVerdict,
    digest: Annotated[str | None, typer.Option("--hash", metavar="HASH", help="The hash that was shown, 3f9a…e1.")] = None,
) -> None:
    """Recompute a proof's hash from the desk's rows, or from a file alone."""
    from bot.system import SystemClock
    from handlers.cli.proof import is_hash, verify_file, verify_proof

    if digest is not None and not is_hash(digest):
        raise typer.BadParameter(f"{digest[:80]!r} is no hash", param_hint="--hash")
    if Path(reference).is_file():
        raise typer.Exit(verify_file(Path(reference), digest=digest))
    raise typer.Exit(verify_proof(command_settings(), SystemClock(), reference, digest=digest))


@app.command()
def replay(reference: OfVerdict, as_json: AsJson = False) -> None:
    """Ask the gate again with the inputs that a verdict was made from: equal, or which rules differ."""
    from bot.system import SystemClock
    from handlers.cli.proof import replay_file, run_replay

    if Path(reference).is_file():
        raise typer.Exit(replay_file(Path(reference), json=as_json))
    raise typer.Exit(run_replay(command_settings(), SystemClock(), reference, json=as_json))


@app.command()
def version() -> None:
    """Print the version, the commit in a git checkout, and the Python."""
    from bot.release import describe

    typer.echo(describe())


@app.command()
def errors(
    error_id: Annotated[str, typer.Argument(metavar="ID", help="The id that stood in the chat or in an alert.")],
    as_json: AsJson = False,
) -> None:
    """Find the log lines behind an error id, and everything that belongs to them."""
    from bot.logging import FILE
    from handlers.cli.errors import show_errors

    raise typer.Exit(show_errors(command_settings().desk.state_dir / FILE, error_id, as_json=as_json))


@app.command()
def limits(as_json: AsJson = False) -> None:
    """Print the limits in force; they are changed in the chat, or in the settings' file."""
    from bot.system import SystemClock
    from handlers.cli.limits import show_limits

    raise typer.Exit(show_limits(command_settings(), SystemClock(), json=as_json))


@app.command()
def runbook(code: Annotated[str, typer.Argument(metavar="CODE", help="An alert's code; none lists all.")] = "") -> None:
    """Say what an alert means and what to do about it; nothing needs to run."""
    from handlers.cli.runbook import show_runbook

    raise typer.Exit(show_runbook(code))


def main() -> None:
    """Run the command line and leave with its exit code."""
    from bot.command_errors import guarded

    sys.exit(guarded(app))


def _existing(files: list[Path]) -> list[Path]:
    for file in files:
        if not file.is_file():
            raise typer.BadParameter(f"there is no file {file}", param_hint="--candles")
    return files


def _start(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdigit():
        raise typer.BadParameter(f"{text!r} is neither auto nor a bar's number", param_hint="--start")
    return int(text)


if __name__ == "__main__":
    main()
