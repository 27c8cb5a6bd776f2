"""A whole desk on PostgreSQL: people speak to it as to any other."""

from tests.chat.conftest import logs
from tests.chat.test_one_trade import *  # noqa: F403 - the tests of that module are the tests of this one

__all__ = ["logs"]
