"""The floor of a start: import the third-party modules that the desk imports, in its order, and open its database.

usage: python -m bench.floors.imports MODULES DATABASE; MODULES is a file of dotted names, one a line

Prints one line of JSON: `ready_at` (Unix time), `rss_mib`, `failed` (modules that could not be imported) and `loaded` (how many
modules the process has).
"""

import importlib
import json
import os
import sys
import time


def main() -> None:
    """Import, open, report."""
    modules, database = sys.argv[1:]
    failed = []
    with open(modules, encoding="utf-8") as names:
        for name in names.read().split():
            try:
                importlib.import_module(name)
            except ImportError:
                failed.append(name)
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=FULL")
        connection.exec_driver_sql("SELECT count(*) FROM journal").scalar()
        report = {
            "ready_at": time.time(),
            "rss_mib": _rss_mib(),
            "failed": failed,
            "loaded": len(sys.modules),
        }
        sys.stdout.write(json.dumps(report) + "\n")


def _rss_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)


if __name__ == "__main__":
    main()
