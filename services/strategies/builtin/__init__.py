"""The strategies that come with the desk; each file is a plug-in like any other."""
