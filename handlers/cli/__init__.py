"""Shell commands: each parses, calls one use case or read, and prints."""
