"""Look for secrets in the files that git keeps: ``python -m deploy.secret_scan``.

A false alarm is silenced where it stands, with ``# pragma: allowlist secret`` and, where it is not plain, the reason.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from deploy.environment import ROOT

# Hashes of packages look like secrets by the thousand, and pip checks them.
LEFT_OUT = ("requirements/",)
FILTERS = (
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign",
    "detect_secrets.filters.heuristic.is_sequential_string",
    "detect_secrets.filters.heuristic.is_templated_secret",
)


def findings(files: Iterable[Path]) -> list[str]:
    """Return a line for every secret found: file, line and kind, never the secret. Nothing is asked of any network."""
    kinds: list[type] = list(get_mapping_from_secret_type_to_class().values())
    names = [{"name": kind.__name__} for kind in kinds]
    found = SecretsCollection()
    with transient_settings({"plugins_used": names, "filters_used": [{"path": path} for path in FILTERS]}):
        for file in files:
            found.scan_file(str(file))
    return [f"{name}:{secret.line_number}: {secret.type}" for name, secret in found]


def tracked() -> list[Path]:
    """Return the files that git keeps, but for the ones left out."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith(LEFT_OUT)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def main() -> int:
    """Print what was found; return 1 when anything was."""
    lines = findings(tracked())
    for line in lines:
        sys.stdout.write(line.removeprefix(f"{ROOT}/") + "\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
