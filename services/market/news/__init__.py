"""News: feeds, the tone of what they say, the economic calendar and the times around its events."""
