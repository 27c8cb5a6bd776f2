"""The settings: one typed, frozen tree, validated at start."""
