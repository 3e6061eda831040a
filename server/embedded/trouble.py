"""Why the one-command run cannot start, in words that say what to do."""

import errno

_WORDS = {
    errno.ENOSPC: "the disk is full ({path}): free some space, or set KONTOR_HOME to a folder on another disk",
    errno.EDQUOT: "the disk quota is used up ({path}): free some space, or set KONTOR_HOME to another folder",
    errno.EROFS: "{path} is on a read-only disk: set KONTOR_HOME to a folder that can be written to",
    errno.EACCES: "{path} cannot be read and written by this user: fix its permissions, or set KONTOR_HOME",
    errno.EPERM: "{path} cannot be changed by this user: fix its owner, or set KONTOR_HOME",
}


class CannotStart(Exception):
    """One line for the person at the terminal: what is wrong and what to do about it."""


def explain(error: OSError) -> CannotStart:
    """Turn an error of the operating system into a line that says what to do."""
    words = _WORDS.get(error.errno or 0)
    path = str(error.filename or "KONTOR_HOME")
    return CannotStart(words.format(path=path) if words else f"{path}: {error.strerror or error}")
