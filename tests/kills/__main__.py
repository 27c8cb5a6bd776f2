"""Kill the real desk under load: ``python -m tests.kills --help`` lists the flags."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.report import commit_of_source, machine
from tests.kills import campaign, report, soak, soak_page
from tests.kills.controls import control_judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0, or 1 when something promised was not kept or a control was not seen."""
    parser = _parser()
    args = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    code = 0
    if args.soak or not args.write_docs:
        folder = Path(tempfile.mkdtemp(prefix="sortie-kills-"))
        code = asyncio.run((_soak if args.soak else _kills)(args, console, folder))
        if code == 0:
            shutil.rmtree(folder)
    if args.write_docs:
        try:
            console.print(f"written: {soak_page.write(args.runs)}", soft_wrap=True)
        except (OSError, ValueError) as error:
            parser.error(str(error))
    return code


async def _soak(args: argparse.Namespace, console: Console, folder: Path) -> int:
    done = await soak.run(folder, args.hours, args.seed, lambda text: console.print(text, highlight=False))
    found = soak.figures(done, commit_of_source(), machine())
    for name, value in found.items():
        console.print(f"{name:24} {value}", highlight=False, markup=False)
    for line in report.wrong(done.verdict):
        console.print(line, style="red", markup=False)
    if args.json is not None:
        report.keep(args.json, found)
    console.print("all kept" if done.ok else f"NOT kept: everything is in {folder}", highlight=False)
    return 0 if done.ok else 1


async def _kills(args: argparse.Namespace, console: Console, folder: Path) -> int:
    terms = campaign.Terms(kills=args.kills, kill_halts=args.kill_halts, seed=args.seed)
    result = await campaign.run(folder, terms, lambda text: console.print(text, highlight=False))
    controlled = await control_judge(result.evidence, folder)
    console.print(report.table(result, controlled))
    for line in report.offenders(result, controlled):
        console.print(line, style="red", markup=False)
    if args.json is not None:
        report.keep(args.json, report.figures(result, controlled, args.ready_within))
    ok = report.holds(result, controlled, args.ready_within)
    console.print("all kept" if ok else f"NOT kept: seed {args.seed}, everything is in {folder}", highlight=False)
    return 0 if ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description="Kill the real desk while people trade.")
    parser.add_argument("--kills", type=int, default=10, metavar="N", help="kills at random moments (default 10)")
    parser.add_argument("--kill-halts", type=int, default=0, metavar="N", help="kills within 50 ms of /kill (default 0)")
    parser.add_argument("--seed", type=int, default=1, help="of people, market and moments (default 1)")
    parser.add_argument(
        "--ready-within", type=float, metavar="S", help="fail when 99 of 100 starts take longer (default: only say it)"
    )
    parser.add_argument(
        "--soak", action="store_true", help="kill nothing: let people act for hours, and watch memory and delays"
    )
    parser.add_argument("--hours", type=float, default=2.0, metavar="H", help="length of the soak (default 2)")
    parser.add_argument("--write-docs", action="store_true", help="write docs/soak.md from the runs named by --with")
    parser.add_argument("--with", dest="runs", type=Path, nargs="+", default=(), metavar="FILE", help="JSON that runs kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
