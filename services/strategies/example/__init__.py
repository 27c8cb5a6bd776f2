"""A strategy as somebody writes one: what the guide shows and what a new one begins from. Desks do not load it."""
