"""Candles on disk: files of others are read and judged, the desk's own are kept by venue, instrument and timeframe."""
