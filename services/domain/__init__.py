"""The nouns of the desk, their rules and the ports. Standard library only."""
