"""Strategies that are measured, and offered to no desk."""
