"""A strict Telegram Bot API server as a state machine: pure, synchronous, on a clock port."""
