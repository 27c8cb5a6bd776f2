"""The command line of the market: what to play, how fast and from where.

The flags are added to the parser of whichever program serves the market. That program also owns `--state`, the
folder where the market, like the rest of the program, keeps what must survive a restart.
"""

import argparse
from functools import partial
from pathlib import Path

from sandbox.exchange.account_store import AccountStore
from sandbox.exchange.clock import Clock, WallClock
from sandbox.exchange.errors import MarketError
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.keys import read_entries
from sandbox.exchange.market import Market
from sandbox.exchange.placement import Held, Placement
from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.seeded import SeededSource
from sandbox.exchange.state import KeptState, MarketState, Played

DEFAULT_SEED = 7
DEFAULT_BAR_SECONDS = 60
_LONGEST_BAR_SECONDS = 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the market's flags to a parser."""
    group = parser.add_argument_group("market")
    group.add_argument("--seed", type=int, help=f"play the seeded market of this seed (default {DEFAULT_SEED})")
    group.add_argument(
        "--candles",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="play recorded candles: CSV or CSV.gz of timestamp,open,high,low,close,volume, named like BTCUSDT-1h.csv",
    )
    group.add_argument(
        "--bar",
        type=_bar_seconds,
        metavar="SECONDS",
        help=f"let one bar last this long (default {DEFAULT_BAR_SECONDS})",
    )
    group.add_argument(
        "--start",
        type=_start,
        default="auto",
        metavar="auto|N",
        help="hold still until POST /market/start (auto, the default), or begin at once with bar N open",
    )
    group.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help="open the accounts of a JSON file, readable by its owner only; missing keys, or the whole file, are written",
    )


def build_market(args: argparse.Namespace, clock: Clock | None = None) -> Market:
    """Build the market that the arguments ask for, or go on with the one kept in the folder `args.state`.

    A kept market goes on when it is the same: same seed or same candles, same bar; `--start` then has no say. What
    the arguments leave open is taken from the kept market first. Raises MarketError with what to change.
    """
    folder: str | Path | None = getattr(args, "state", None)
    state = None if folder is None else MarketState(Path(folder))
    kept = None if state is None else state.read()
    source, played = _chosen(args, kept)
    goes_on = kept is not None and played.same_as(kept.played)
    placement: Placement = kept.placement if kept is not None and goes_on else Held()
    keep = partial(_keep, state, played)
    keep(placement)
    market = Market(
        source=source,
        clock=clock or WallClock(),
        bar_seconds=played.bar_seconds,
        placement=placement,
        keep=keep,
    )
    if isinstance(placement, Held) and args.start != "auto":
        market.start_now(args.start)
    return market


def build_exchange(args: argparse.Namespace, market: Market) -> Exchange:
    """Build the exchange on a market, with the accounts kept in `args.state` and those that the arguments name.

    A kept account goes on with its books, under the key of the file where that names it. Raises MarketError.
    """
    exchange = Exchange(market)
    folder: str | Path | None = getattr(args, "state", None)
    if folder is not None:
        exchange.keep = AccountStore(Path(folder), exchange.engine).flush
    for entry in read_entries(args.accounts) if args.accounts else ():
        kept = exchange.engine.accounts.get(entry.name)
        if kept is None:
            exchange.engine.open_account(name=entry.name, key=entry.key, secret=entry.secret, balances=entry.balances)
        else:
            kept.key, kept.secret = entry.key, entry.secret
    exchange.keep()
    return exchange


def _chosen(args: argparse.Namespace, kept: KeptState | None) -> tuple[SeededSource | RecordedSource, Played]:
    if args.candles and args.seed is not None:
        raise MarketError("--seed and --candles name two markets; give one of them")
    before = None if kept is None else kept.played
    bar_seconds = args.bar or (before.bar_seconds if before else DEFAULT_BAR_SECONDS)
    paths = args.candles or (before.paths if before and args.seed is None else ())
    if paths:
        recorded = RecordedSource(paths)
        return recorded, Played(seed=None, paths=recorded.paths, digests=recorded.digests, bar_seconds=bar_seconds)
    seed = args.seed
    if seed is None:
        seed = DEFAULT_SEED if before is None or before.seed is None else before.seed
    return SeededSource(seed), Played(seed=seed, paths=(), digests=(), bar_seconds=bar_seconds)


def _keep(state: MarketState | None, played: Played, placement: Placement) -> None:
    if state is not None:
        state.write(KeptState(played=played, placement=placement))


def _bar_seconds(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= _LONGEST_BAR_SECONDS:
        raise argparse.ArgumentTypeError(f"{seconds} s, expected 1 to {_LONGEST_BAR_SECONDS}")
    return seconds


def _start(text: str) -> str | int:
    if text == "auto":
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}', expected auto or the number of a bar")
    return int(text)
