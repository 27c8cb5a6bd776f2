"""What the desk does, in the order a trade flows; a room imports only rooms below it."""
