"""The outside world on loopback: a Telegram Bot API server with a chat page, and an exchange.

A program of its own. It imports nothing of the desk, and the desk imports nothing of it.
"""
