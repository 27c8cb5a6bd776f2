"""The adapters of the Venue and MarketData ports; they are put together in the wiring only."""
