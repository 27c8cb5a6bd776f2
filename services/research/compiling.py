"""How the event loop is compiled. numba is loaded with this module, and only who plays loads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

# The loop makes no array, so arrays need not be counted as they are handed on (_nrt): that took most of the time.
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def compiled(function: _Function) -> _Function:
    """Compile a function on its first call, and keep the code beside its file."""
    return cast("_Function", njit(**OPTIONS)(function))


def inlined(function: _Function) -> _Function:
    """Do the same for a part of one: it becomes part of whoever calls it, so that nothing is handed on."""
    return cast("_Function", njit(**OPTIONS, forceinline=True)(function))
