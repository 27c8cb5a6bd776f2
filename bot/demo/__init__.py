"""``sortie demo``: the desk as it is, with the sandbox beside it, and somebody who starts, watches and stops both."""
