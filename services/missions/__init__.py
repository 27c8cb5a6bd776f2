"""Missions: offer, call, preview, fire, skip and expire."""
