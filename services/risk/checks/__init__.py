"""The gate's checks, a file for each family; each is a function of the context alone."""
