"""Strategies: candles in, signals out; plug-ins loaded from folders and entry points."""
