"""What a key looks like when somebody pastes one: of an exchange, of a bot, of a wallet, of a certificate.

Exchanges give out random text without words in it: 64 letters and digits at Binance, 18 and 36 at Bybit, 32 hexadecimal digits
at OKX and Gate, 56 and 88 of base64 at Kraken. A bare UUID names a key but opens nothing, and names much else besides, so it
counts only behind a label.
"""

from __future__ import annotations

import re

_BOT_TOKEN = re.compile(r"(?<!\d)\d{5,14}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_PRIVATE_KEY = re.compile(r"-----\s*BEGIN [A-Z0-9 ]*(?:KEY|CERTIFICATE)[A-Z ]*-----")
_LABELLED = re.compile(
    r"(?:api[ _-]?key|api[ _-]?secret|secret(?:[ _-]?key)?|passphrase|private[ _-]?key)[\"'`]?\s*(?:[:=]|\bis\b)\s*[\"'`]?"
    r"(?=[^\s\"'`]*\d)[^\s\"'`]{8,}",
    re.IGNORECASE,
)
# An address of the web is whoever serves it, one on a chain is public, and an invitation to this desk is what /start is for.
_NO_KEYS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\b(?:www\.|t\.me/)\S+|\b(?:claim|invite)_[A-Za-z0-9_-]{20,}|\b0x[0-9a-f]{40}\b", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{18,}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
# Of a commit's hash, 40 digits, there is much talk; no exchange gives keys of that length.
HEX_LENGTHS = frozenset({32, 48, 56, 64, 96, 128})
SHORTEST = 18
# Runs of letters and digits: this long in random text of one piece, this short where separators stand in it as well.
RUN, SPLIT_RUN, SPLIT_SHORTEST = 12, 6, 22
ONE_CASE = 32
# Random text falls into short pieces where its kinds of characters meet, words into long ones: characters a piece at most.
MIXED, LONG_MIXED, SPLIT_MIXED, ONE_CASE_MIXED = 2.9, 3.3, 2.5, 4.5
LONG = 30
_FILES = (".pem", ".key", ".p8", ".p12", ".pfx", ".jks")

# Stands where the text of a message was that looked like a key.
WITHHELD = "[a key stood here]"


def looks_like_key(text: str) -> bool:
    """Tell whether a text holds what looks like a key, a token or a private key."""
    if _BOT_TOKEN.search(text) or _PRIVATE_KEY.search(text) or _LABELLED.search(text):
        return True
    return any(_random(word) for word in _WORD.findall(_NO_KEYS.sub(" ", text)))


def names_key_file(name: str) -> bool:
    """Tell whether a file's name is one that private keys are kept under."""
    return name.lower().endswith(_FILES)


def _random(word: str) -> bool:
    runs = _RUN.findall(word)
    if any(_is_hex_key(run) for run in runs):
        return True
    longest, letters = max(map(len, runs), default=0), "".join(runs)
    pieces = _PIECES.findall(letters)
    found = {_kind(each) for each in letters}
    if len(letters) < SHORTEST or len(found) < 2:
        return False
    mixed = len(letters) / len(pieces)
    if {"lower", "upper"} <= found:
        split = longest >= SPLIT_RUN and len(letters) >= SPLIT_SHORTEST and len(found) == 3
        return (longest >= RUN and mixed <= (LONG_MIXED if len(letters) >= LONG else MIXED)) or (split and mixed <= SPLIT_MIXED)
    return longest >= ONE_CASE and mixed <= ONE_CASE_MIXED and not any(_HEX.fullmatch(run) for run in runs)


def _is_hex_key(run: str) -> bool:
    digits = run.removeprefix("0x")
    return len(digits) in HEX_LENGTHS and _HEX.fullmatch(digits) is not None and not digits.isdigit() and len(set(digits)) > 5


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"
