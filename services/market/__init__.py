"""Quotes, candles and conversions: what the market shows, with its age."""
