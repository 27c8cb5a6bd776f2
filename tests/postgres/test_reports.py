"""Digests and proofs once more, with the desk's database on PostgreSQL."""

from tests.reporting.test_digest import *  # noqa: F403 - the tests of that module are the tests of this one
from tests.reporting.test_proof import *  # noqa: F403
