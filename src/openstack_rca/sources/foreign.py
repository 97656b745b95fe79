"""Translates what the libraries raise into one sentence of ours."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import zstandard

from openstack_rca.errors import InputError


class BrokenInput(InputError):
    """A file that cannot be read, or not to its end; `reason` is the part of the sentence after the name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be read to its end: {reason}.")
        self.reason = reason


class Bomb(ValueError):
    """Content that grows beyond all measure when it is unpacked."""


FOREIGN = (
    EOFError,
    OSError,  # bz2 reports damaged data with it, and gzip.BadGzipFile is one
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zstandard.ZstdError,
    struct.error,  # zipfile, from a header that is cut
    RuntimeError,  # zipfile, from an encrypted member; NotImplementedError from an unknown method
    ValueError,  # zipfile and tarfile, from impossible numbers and names
    OverflowError,
)
"""Every error with which opening, unpacking or listing can fail."""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Raise BrokenInput, naming the file, in place of anything in `FOREIGN`."""
    try:
        yield
    except FOREIGN as error:
        raise BrokenInput(name, reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Return why a file could not be read: "truncated …", "damaged …", "unreadable …" or a bomb's sentence."""
    if isinstance(error, Bomb):
        return str(error)
    if isinstance(error, EOFError):
        return "truncated (its content ends early)"
    if isinstance(error, OSError) and error.strerror:
        return f"unreadable ({error.strerror})"
    return f"damaged ({str(error) or type(error).__name__})"
