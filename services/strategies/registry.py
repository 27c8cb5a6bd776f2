"""The registry: strategies from folders and installed entry points, each built once with its parameters."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from services.domain.errors import Misconfigured
from services.domain.ports import Strategy
from services.strategies.parameters import parameters_of

BUILTIN = Path(__file__).parent / "builtin"
ENTRY_POINTS = "sortie.strategies"

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A strategy's factory and where it came from: a file, or ``entry point <name>``."""

    factory: Callable[..., object]
    origin: str


class Registry:
    """The loaded strategies by name."""

    def __init__(self, strategies: Mapping[str, Strategy], origins: Mapping[str, str]) -> None:
        self._strategies = dict(sorted(strategies.items()))
        self._origins = dict(origins)

    def names(self) -> tuple[str, ...]:
        """Return all names in alphabetical order."""
        return tuple(self._strategies)

    def get(self, name: str) -> Strategy | None:
        """Return the strategy of that name, or None."""
        return self._strategies.get(name)

    def all(self) -> tuple[Strategy, ...]:
        """Return all strategies in the order of their names."""
        return tuple(self._strategies.values())

    def origin(self, name: str) -> str:
        """Return the file or entry point that a strategy came from; raise KeyError for an unknown name."""
        return self._origins[name]


def load_strategies(
    folders: Sequence[Path],
    entry_point_group: str = ENTRY_POINTS,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
) -> Registry:
    """Load the built-in strategies, every ``*.py`` of ``folders`` and the installed entry points of the group.

    A plug-in is a file whose module has ``STRATEGY``, or an entry point that names such an object: the class of a
    :class:`~services.domain.ports.Strategy`, with ``name`` as a class attribute. Where it has settings, its attribute
    ``Parameters`` is a frozen dataclass with defaults, of bool, int, float and str fields, which raises ValueError for
    values it cannot use; ``STRATEGY`` is then called with an instance, else with nothing. A file that begins with an
    underscore is not a plug-in. ``parameters`` maps names of strategies to values by field.

    Raise Misconfigured, naming file, key and fix, for a folder that is not there, a broken or incomplete plug-in, a
    name that occurs twice, and parameters of no strategy, of no field, of the wrong type or out of range.
    """
    given = parameters or {}
    strategies: dict[str, Strategy] = {}
    origins: dict[str, str] = {}
    for plugin in _plugins((BUILTIN, *folders), entry_point_group):
        strategy = _build(plugin, given)
        if strategy.name in strategies:
            raise Misconfigured(
                "STRATEGY_TWICE",
                file=plugin.origin,
                key=f"name = {strategy.name!r}",
                first=origins[strategy.name],
                fix="give one of the two another name",
            )
        strategies[strategy.name], origins[strategy.name] = strategy, plugin.origin
    for name in given:
        if name not in strategies:
            raise Misconfigured(
                "STRATEGY_UNKNOWN",
                file="settings",
                key=f"strategies.parameters.{name}",
                fix=f"remove it or use one of {', '.join(sorted(strategies))}",
            )
    return Registry(strategies, origins)


def load_file(file: Path, parameters: Mapping[str, object]) -> Strategy:
    """Load one plug-in by its file; raise Misconfigured as :func:`load_strategies` does."""
    if not file.is_file():
        raise Misconfigured("STRATEGY_FILE", file=str(file), key="STRATEGY", fix="correct the path: there is no such file")
    plugin = _from_file(file)
    return _build(plugin, {str(getattr(plugin.factory, "name", "")): parameters})


def _plugins(folders: Sequence[Path], group: str) -> Iterator[Plugin]:
    for folder in folders:
        if not folder.is_dir():
            raise Misconfigured(
                "STRATEGY_FOLDER",
                file=str(folder),
                key="strategies.folders",
                fix="create the folder or correct its path",
            )
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                yield _from_file(file)
    for point in sorted(entry_points(group=group), key=lambda each: each.name):
        yield _from_entry_point(point)


def _from_file(file: Path) -> Plugin:
    origin = str(file)
    name = f"sortie_strategy_{file.stem}_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise _broken(origin, "is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their own module up by name while it runs.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(origin, f"{type(error).__name__}: {error}") from error
    return Plugin(factory=_callable(getattr(module, "STRATEGY", None), origin), origin=origin)


def _from_entry_point(point: EntryPoint) -> Plugin:
    origin = f"entry point {point.name} = {point.value}"
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:
        raise _broken(origin, f"{type(error).__name__}: {error}") from error
    return Plugin(factory=_callable(loaded, origin), origin=origin)


def _callable(candidate: object, origin: str) -> Callable[..., object]:
    if not callable(candidate):
        raise Misconfigured(
            "STRATEGY_MISSING",
            file=origin,
            key="STRATEGY",
            fix="set STRATEGY to the strategy's class; a file that is no strategy begins with an underscore",
        )
    return candidate


def _build(plugin: Plugin, given: Mapping[str, Mapping[str, object]]) -> Strategy:
    name = getattr(plugin.factory, "name", None)
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise Misconfigured(
            "STRATEGY_NAME",
            file=plugin.origin,
            key="name",
            value=repr(name),
            fix="use 1 to 32 lower-case letters, digits and underscores, a letter first",
        )
    kind = getattr(plugin.factory, "Parameters", _NoParameters)
    values = parameters_of(kind, given.get(name, {}), strategy=name, file=plugin.origin)
    try:
        strategy = plugin.factory() if kind is _NoParameters else plugin.factory(values)
        return _checked(strategy, name, plugin.origin)
    except Misconfigured:
        raise
    except Exception as error:
        raise _broken(plugin.origin, f"{type(error).__name__}: {error}") from error


def _checked(strategy: object, name: str, origin: str) -> Strategy:
    version, warm_up = getattr(strategy, "version", None), getattr(strategy, "warm_up", None)
    problems = {
        "name": getattr(strategy, "name", None) == name,
        "version": isinstance(version, str) and _VERSION.fullmatch(version) is not None,
        "warm_up": type(warm_up) is int and warm_up > 0,
        "signals": callable(getattr(strategy, "signals", None)),
    }
    for key, sound in problems.items():
        if not sound:
            raise Misconfigured(
                "STRATEGY_INCOMPLETE",
                file=origin,
                key=key,
                value=repr(getattr(strategy, key, None)),
                fix="give it name (text), version (text such as 1.0), warm_up (candles, above 0) and signals(series)",
            )
    return strategy  # type: ignore[return-value]


def _broken(origin: str, problem: str) -> Misconfigured:
    return Misconfigured(
        "STRATEGY_BROKEN",
        file=origin,
        key="STRATEGY",
        problem=problem,
        fix="mend the file, or take it out of the folder",
    )


@dataclass(frozen=True, slots=True)
class _NoParameters:
    """What a strategy without parameters takes from the settings: nothing."""
