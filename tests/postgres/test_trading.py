"""Trading tests of every kind once more, with the desk's database on PostgreSQL."""

from tests.trading.test_exits import *  # noqa: F403 - the tests of that module are the tests of this one
from tests.trading.test_late_fills import *  # noqa: F403
from tests.trading.test_one_trade import *  # noqa: F403
from tests.trading.test_races import *  # noqa: F403
