"""The public side of a Binance-compatible exchange on loopback: a seeded or recorded market and its HTTP skin."""
