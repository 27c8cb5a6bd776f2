"""How fast the desk is, each figure beside its floor: what the same work costs without the desk, measured in the same run."""
