"""Accounts, positions and results."""
