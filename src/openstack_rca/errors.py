"""How it fails.

RcaError                 anything that we tell the user in one sentence
├── UsageError           bad arguments or settings                      exit 2
├── InputError           a path, file or archive that cannot be used    exit 2
│   └── NothingToRead    paths are fine, but no log record came out     exit 3
├── UnavailableError     a part asked for by name is not there          exit 4
├── CheckFailed          a check said no (verify, evaluate --min)       exit 1
└── KnowledgeError       a rule, format or mask whose examples fail     exit 2

Foreign errors are translated into one of these at the boundary where they arise; the cause stays chained.
"""


class RcaError(Exception):
    """A failure whose message is one clear sentence for the user."""

    exit_code = 2


class UsageError(RcaError):
    """An argument or a setting makes no sense."""


class InputError(RcaError):
    """A path, a file or an archive cannot be used."""


class NothingToRead(InputError):
    """The paths exist, but no log record came out of them."""

    exit_code = 3


class UnavailableError(RcaError):
    """A part that was asked for by name is missing: a server, an extra, the language model."""

    exit_code = 4


class CheckFailed(RcaError):
    """A check that the user asked for did not pass."""

    exit_code = 1


class KnowledgeError(RcaError):
    """A piece of knowledge (format, mask, signature) contradicts its own examples."""
