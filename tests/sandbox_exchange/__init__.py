"""The sandbox's exchange: its bars, its grid in time, its answers over HTTP, and a real client against it."""
