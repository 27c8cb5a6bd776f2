"""Tests of the venue adapters; ``conformance`` holds the cards that every one of them must pass."""
