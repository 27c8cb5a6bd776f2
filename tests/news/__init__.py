"""Tests of feeds, the tone of what they say, the calendar and its blackouts."""
