"""Scan, score, take in."""
