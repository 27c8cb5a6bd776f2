"""Work on a paper store in a process of its own and die at a named point: ``python paper_child.py FILE POINT NTH STEP``.

Steps that were acknowledged are written to standard output, one a line, before the next begins.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.domain import crashpoints
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import exits, order
from tests.venues.paper_bench import paper_bench

STEPS = ("place", "fill", "list", "replace", "cancel")


def die_at(point: str, nth: int) -> None:
    """Kill this process without any clean-up when the point is reached for the nth time."""
    left = nth

    def hook(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                os._exit(9)

    crashpoints.install(hook)


async def work(path: Path, point: str, nth: int, dying_step: str) -> None:
    """Run the steps, with death due in one of them."""
    async with paper_bench(path) as bench:
        await bench.show("99.99", "100.00")
        for step in STEPS:
            if step == dying_step:
                die_at(point, nth)
            if step == "place":
                await bench.venue.place(ACCOUNT, order("entry00", "buy", "2"))
            elif step == "fill":
                await bench.show("99.99", "100.00", size="1")
            elif step == "list":
                await bench.venue.place_list(ACCOUNT, exits("list", "sell", ("2", "95.00"), ("1", "110.00")))
            elif step == "replace":
                await bench.venue.replace_list(
                    ACCOUNT, ["list00", "list01"], exits("next", "sell", ("2", "97.00"), ("1", "112.00"))
                )
            else:
                await bench.venue.cancel(ACCOUNT, "BTC/USDT", ["next00", "next01"])
            sys.stdout.write(f"{step}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
