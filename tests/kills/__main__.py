"""Kill the real desk under load: ``python -m tests.kills --help`` lists the flags."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.kills import campaign, report
from tests.kills.controls import blind_spots


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0, or 1 when something promised was not kept or a control was not seen."""
    args = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    folder = Path(tempfile.mkdtemp(prefix="sortie-kills-"))
    return asyncio.run(_kills(args, console, folder))


async def _kills(args: argparse.Namespace, console: Console, folder: Path) -> int:
    terms = campaign.Terms(kills=args.kills, kill_halts=args.kill_halts, seed=args.seed)
    result = await campaign.run(folder, terms, lambda text: console.print(text, highlight=False))
    blind = await blind_spots(result.evidence, folder)
    console.print(report.table(result, blind))
    for line in report.offenders(result, blind):
        console.print(line, style="red", markup=False)
    if args.json is not None:
        report.write_json(args.json, result, blind)
    ok = report.holds(result, blind)
    console.print("all kept" if ok else f"NOT kept: seed {args.seed}, everything is in {folder}", highlight=False)
    return 0 if ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description="Kill the real desk while people trade.")
    parser.add_argument("--kills", type=int, default=10, metavar="N", help="kills at random moments (default 10)")
    parser.add_argument("--kill-halts", type=int, default=0, metavar="N", help="kills within 50 ms of /kill (default 0)")
    parser.add_argument("--seed", type=int, default=1, help="of people, market and moments (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
