"""People: who may, and who is told what how loudly."""
