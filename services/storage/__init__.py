"""Tables, the unit of work and the repositories; repositories never commit."""
