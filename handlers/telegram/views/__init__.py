"""Domain values to text, keyboard and picture."""
