"""The chat: parse, call one use case, render."""
