"""What a process uses, as the kernel counts it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Resident memory in MiB, open files, threads, and CPU seconds used so far."""

    rss_mib: float
    files: int
    threads: int
    cpu_s: float


def vitals(pid: int) -> Vitals:
    """Read a process's vitals; raise OSError when it is gone."""
    fields = _fields(pid)
    return Vitals(
        rss_mib=int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE / MIB,
        files=len(os.listdir(f"/proc/{pid}/fd")),
        threads=int(fields[17]),
        cpu_s=_cpu(fields),
    )


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, user and system."""
    return _cpu(_fields(pid))


def _fields(pid: int) -> list[str]:
    # The program's name stands in brackets and may hold anything; the fields after it are counted from the state.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _cpu(fields: list[str]) -> float:
    return (int(fields[11]) + int(fields[12])) / _TICKS
