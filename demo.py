"""Set up and play the demo where there is no make: ``python demo.py`` is ``make demo``, and takes the same flags."""

from __future__ import annotations

import sys

from deploy.environment import main

if __name__ == "__main__":
    sys.exit(main(["core", "--", "sortie", "demo", *sys.argv[1:]]))
