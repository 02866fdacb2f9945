# SPDX-License-Identifier: AGPL-3.0-or-later
"""What mmdebstrap and the apt and dpkg below it say, line by line."""

from __future__ import annotations

import re

from pynqtorch.plan import Finding

_PHASES = {
    "running apt-get update": "reading the package lists",
    "downloading packages": "downloading",
    "extracting archives": "unpacking",
    "installing essential": "installing the essential packages",
    "installing remaining": "installing the other packages",
    "cleaning package lists": "cleaning up",
}
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"NO_PUBKEY|is not signed|not available|BADSIG|EXPKEYSIG|Missing key|verification failed|invalid signature",
            "the archive's signature could not be verified: install a newer keyring package of the distribution, "
            "or set PYNQTORCH_KEYRING to a keyring file that you trust",
        ),
        (r"is not valid yet|is expired|Valid-Until", "is the clock right? A frozen mirror needs Check-Valid-Until"),
        (r"No space left", "free space on the disk that holds out/"),
        (r"\b404\b|does not have a Release file", "the mirror does not have it: is the suite right?"),
        (r"Unable to locate package|has no installation candidate", "the suite has no such package: see `packages`"),
        (r"Could not resolve|Temporary failure resolving", "no network or no name server; see the proxy"),
        (r"Connection (refused|timed out|failed)|Could not connect", "the mirror does not answer; see the proxy"),
        (r"unmet dependencies|held broken packages", "the suite is in motion: try again later, or pin a `snapshot`"),
        (r"newuidmap|subuid", "sudo apt-get install uidmap, and sudo usermod --add-subuids 100000-165535 "
         "--add-subgids 100000-165535 $USER"),
    )
)  # fmt: skip
# mmdebstrap repeats apt's failure as its own, so apt's line (the cause) comes first and stays the first error.
_ERROR = re.compile(r"^(?:E: |dpkg: error|dpkg-deb: error|tar: .*(?:Cannot|No space)|pynqtorch: )(?P<text>.*)")


def parse_line(line: str) -> Finding | None:
    """One line of the log as a Finding (phase, warning, error with advice) or None."""
    text = line.rstrip()
    if text.startswith("I: "):
        for start, phase in _PHASES.items():
            if text[3:].startswith(start):
                return Finding("phase", phase)
        return None
    if _ERROR.match(text):
        return Finding("error", with_advice(text))
    if text.startswith("Err:"):  # which file; the reason follows in an E: line
        return Finding("info", text)
    if text.startswith("W: ") and with_advice(text) != text and "sandbox" not in text:
        return Finding("warning", with_advice(text))
    return None


def with_advice(text: str) -> str:
    """The line, and what to do about it where that is known."""
    for pattern, advice in _ADVICE:
        if pattern.search(text):
            return f"{text} ({advice})"
    return text
