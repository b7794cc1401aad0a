"""What can go wrong on the device, as a short tree; each error says what the person can do.

Four families: what they sent is bad, the device can't do it now, the disk is full, and somebody
who runs the device has to act. `status` is the HTTP answer, `code` the word in it.
"""

from __future__ import annotations


class EdgeError(Exception):
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


class BadRequestError(EdgeError):
    """What they sent is bad; sending it again will not help."""

    code = "bad_request"
    status = 400


class BadImageError(BadRequestError):
    """This is not a picture, or not one that can be read whole."""

    code = "bad_image"
    status = 422


class ImageTooLargeError(BadRequestError):
    """More bytes or more pixels than the device takes."""

    code = "image_too_large"
    status = 413


class UnknownProfileError(BadRequestError):
    """No profile of that name."""

    code = "unknown_profile"
    status = 422


class BadFormError(BadRequestError):
    """A form value that the profile's form doesn't take."""

    code = "bad_form"
    status = 422


class RetakeError(BadRequestError):
    """The photo is not usable and never becomes a case; the hint says how to take a better one."""

    code = "retake"
    status = 422


class NotFoundError(BadRequestError):
    """There is no such thing (any more)."""

    code = "not_found"
    status = 404


class ConflictError(BadRequestError):
    """The same key came with other content, or the case has moved on."""

    code = "conflict"
    status = 409


class BadFieldError(BadRequestError):
    """A field of the request is missing or of the wrong kind; the message names it."""

    code = "bad_field"
    status = 422


class BodyTooLargeError(BadRequestError):
    """The body of the request is over the limit."""

    code = "body_too_large"
    status = 413


class MediaTypeError(BadRequestError):
    """The body comes as something this operation does not take."""

    code = "media_type"
    status = 415


class WrongHostError(BadRequestError):
    """Asked for under a name that isn't this device's: how DNS rebinding looks from here."""

    code = "wrong_host"
    status = 421


class BodyTooSlowError(BadRequestError, TimeoutError):
    """A body that takes longer than any phone on any Wi-Fi would.

    A `TimeoutError` too: aiohttp, which reads what is left of a body, expects those.
    """

    code = "body_too_slow"
    status = 408


class RateLimitedError(BadRequestError):
    """Too many requests from one address."""

    code = "rate_limited"
    status = 429


class NotAllowedError(BadRequestError):
    """No token, or one without the scope this needs."""

    code = "unauthorized"
    status = 401


class ForbiddenError(BadRequestError):
    """A known caller who may not do this."""

    code = "forbidden"
    status = 403


class WrongCodeError(ForbiddenError):
    """A code that is not the one of the pairing window."""

    code = "wrong_code"


class PairingClosedError(ForbiddenError):
    """Nobody has opened the pairing window."""

    code = "pairing_closed"


class PairingLockedError(ForbiddenError):
    """Too many wrong codes; somebody who may has to open the window again."""

    code = "pairing_locked"


class UnavailableError(EdgeError):
    """Not now: try again."""

    code = "unavailable"
    status = 503


class VisionBusyError(UnavailableError):
    """More photos are waiting than the device can take."""

    code = "busy"
    status = 503


class VisionFailedError(UnavailableError):
    """The worker crashed or overran its deadline on this photo; a new worker is starting."""

    code = "vision_failed"
    status = 503


class ModelMissingError(UnavailableError):
    """The profile waits for a model that isn't installed."""

    code = "model_missing"
    status = 503


class CameraError(UnavailableError):
    """The camera gives no picture."""

    code = "camera"
    status = 503


class DiskFullError(EdgeError):
    """No room left; nothing was stored."""

    code = "disk_full"
    status = 507


class OperatorError(EdgeError):
    """Somebody who runs the device has to act."""

    code = "operator"
    status = 500


class ConfigError(OperatorError):
    """A setting is wrong; the message names file, line, key, value and the nearest valid key."""

    code = "config"


class RefusedModelFileError(OperatorError):
    """A model that must not serve."""

    code = "model_refused"
    status = 422


class RefusedReleaseError(OperatorError):
    """What the release repository holds can't be trusted, or not any more."""

    code = "release_refused"
    status = 422


class NoRepositoryError(UnavailableError):
    """The release repository can't be reached, or doesn't hold what it lists."""

    code = "no_repository"
