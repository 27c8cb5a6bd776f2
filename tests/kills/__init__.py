"""The real process killed while people trade: what it owes its people and its venues holds after every start."""
