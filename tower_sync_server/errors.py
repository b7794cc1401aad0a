"""What can go wrong on the tower, as a short tree; each error says what the person can do.

Three families: what they sent is bad, the tower can't do it now, and somebody who runs it has to
act. `status` is the HTTP answer, `code` the word in it: the same shape as the device's.
"""

from __future__ import annotations


class TowerError(Exception):
    """The root: a message for people, a hint on what to do, a code for programs."""

    code = "internal"
    """Stable word for programs."""
    status = 500
    """HTTP status."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadRequestError(TowerError):
    """What they sent is bad; sending it again will not help."""

    code = "bad_request"
    status = 400


class BadFieldError(BadRequestError):
    """A field of the request is missing or of the wrong kind; the message names it."""

    code = "bad_field"
    status = 422


class NotFoundError(BadRequestError):
    """There is no such thing (any more)."""

    code = "not_found"
    status = 404


class AmbiguousError(BadRequestError):
    """Two devices sent a case of this id."""

    code = "ambiguous"
    status = 409


class MediaTypeError(BadRequestError):
    """The body comes as something this does not take."""

    code = "media_type"
    status = 415


class TooLargeError(BadRequestError):
    """More bytes than the tower takes at once."""

    code = "body_too_large"
    status = 413


class ConflictError(BadRequestError):
    """It can't be done as things are."""

    code = "conflict"
    status = 409


class NotAllowedError(BadRequestError):
    """Nobody is signed in, or not any more."""

    code = "unauthorized"
    status = 401


class WrongPasswordError(NotAllowedError):
    """The name or the password is wrong; it isn't said which."""

    code = "wrong_password"


class ForbiddenError(BadRequestError):
    """Whoever is signed in may not do this, or the page it comes from may not."""

    code = "forbidden"
    status = 403


class RateLimitedError(BadRequestError):
    """Too many tries."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, hint: str = "", retry_after_s: int = 60) -> None:
        """Keep how long to wait, seconds."""
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class WrongHostError(BadRequestError):
    """Asked for under a name that isn't the tower's: how DNS rebinding looks from here."""

    code = "wrong_host"
    status = 421


class UnavailableError(TowerError):
    """Not now: try again."""

    code = "unavailable"
    status = 503


class BusyError(UnavailableError):
    """Too much is asked for at once."""

    code = "busy"


class DiskFullError(TowerError):
    """No room left; nothing was stored."""

    code = "disk_full"
    status = 507


class OperatorError(TowerError):
    """Somebody who runs the tower has to act."""

    code = "operator"
    status = 500


class ConfigError(OperatorError):
    """A setting is wrong; the message names where it was set, key and value."""

    code = "config"
