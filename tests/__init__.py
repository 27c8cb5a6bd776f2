"""The tests; a package, so that folders named like the rooms they test do not shadow them."""
