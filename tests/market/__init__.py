"""Tests of quotes, candles, the feed and conversions."""
