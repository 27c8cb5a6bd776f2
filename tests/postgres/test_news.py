"""Feeds and the calendar once more, with the desk's database on PostgreSQL."""

from __future__ import annotations

from tests.news.test_calendar_reading import test_a_mended_file_is_taken_and_the_problem_is_over  # noqa: F401
from tests.news.test_feeds import (  # noqa: F401
    test_a_feed_that_comes_back_is_over_its_trouble_and_one_that_is_not_named_is_forgotten,
    test_an_item_is_stored_once_however_often_and_wherever_it_comes,
    test_items_are_forgotten_by_age_and_a_flood_by_number,
)
