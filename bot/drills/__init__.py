"""Drills on paper: the real wiring and engine on a desk of their own, whose people, market and venue faults are the drill's."""
