"""Whether the desk is well: stages, status, and the ten things that always hold."""
