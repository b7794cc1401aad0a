"""From a photo to a case: the order of the steps, readable in one look.

photo ─► inspect (decode, quality, detect, classify: in the vision worker)
      ─► decide ─► stage ─► verdict                      `check`: nothing becomes a case yet
      ─► decide ─► estimate ─► template ─► store         `keep`: the answer comes once durable
                                             └─► the summary follows, from the writer
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.draft import CaseDraft
from edge.errors import BadRequestError, RetakeError, UnknownProfileError
from edge.events import EventKind
from edge.once import Once
from edge.ports import Inspection, Photo
from edge.steps.decide import decide
from edge.steps.estimate import estimate
from edge.steps.form import validate_form
from edge.steps.later_photos import with_later_photos
from edge.steps.primary import pick_primary
from edge.steps.shots import name_shots, with_missing_shots
from edge.steps.summarise import facts_of, template_text
from models.case import (
    Author,
    Decision,
    Estimate,
    FormValue,
    ImageRecord,
    Outcome,
    Status,
    Summary,
)

if TYPE_CHECKING:
    from edge.events import Events
    from edge.identity import Identity
    from edge.ports import Clock, Vision
    from edge.store.store import Store
    from edge.summaries import Summaries
    from models.case import Case
    from models.profile import Profile

STATUS = {Outcome.ACCEPTED: "ok", Outcome.NEEDS_REVIEW: "uncertain", Outcome.RETAKE: "retake"}
"""What a phone is told for each outcome."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "is this photo usable, and what is on it?"."""

    status: str
    """ok, uncertain or retake."""
    message: str
    """What to do or why a person should look; empty when ok."""
    inspection: Inspection
    """What the models saw."""
    decision: Decision
    """What follows from it."""
    image_id: str
    """With this the photo can become a case without being sent again."""
    summary: str
    """The template's text."""
    estimate: Estimate | None = None
    """What it comes to, where the profile has a price table."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One photo of a case, as it came in."""

    photo: bytes = b""
    """The picture itself, or empty."""
    image_id: str = ""
    """What `check` gave for it, or empty."""
    shot: str = ""
    """Which shot of the profile's checklist it is."""
    camera: Mapping[str, FormValue] | None = None
    """What the camera said of it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One photo, inspected."""

    inspection: Inspection
    photo: Photo
    submission: Submission


class Pipeline:
    """Takes photos to verdicts and to cases."""

    def __init__(
        self,
        vision: Vision,
        store: Store,
        summaries: Summaries,
        events: Events,
        clock: Clock,
        identity: Identity,
        profiles: Mapping[str, Profile],
        default_profile: str,
    ) -> None:
        """Keep the parts; nothing is started here."""
        self.profiles = profiles
        self._vision = vision
        self._store = store
        self._summaries = summaries
        self._events = events
        self._clock = clock
        self._identity = identity
        self._default = default_profile
        self._keeping: Once[tuple[Case, bool]] = Once()

    def profile(self, name: str | None) -> Profile:
        """The profile of that name, or the device's own where none is named.

        Raises:
            UnknownProfileError: there is none.
        """
        found = self.profiles.get(name or self._default)
        if found is None:
            known = ", ".join(sorted(self.profiles))
            raise UnknownProfileError(f"There is no profile {name!r}.", f"Known are: {known}.")
        return found

    async def look(self, photo: bytes, profile: str | None = None) -> Inspection:
        """Inspect a photo and keep nothing."""
        inspection, _ = await self._vision.inspect(photo, self.profile(profile).id)
        return inspection

    async def check(
        self,
        photo: bytes,
        profile: str | None = None,
        form: Mapping[str, FormValue] | None = None,
    ) -> Verdict:
        """Judge a photo; it waits under its `image_id` in case it is to become a case."""
        chosen = self.profile(profile)
        validate_form(form or {}, chosen, complete=False)
        inspection, clean = await self._vision.inspect(photo, chosen.id)
        decision = _decision(inspection, chosen)
        image_id = await self._store.stage(clean, inspection, chosen.id)
        priced = estimate(inspection.predictions, _frame(clean), chosen)
        facts = facts_of(inspection.predictions, decision, chosen, _frame(clean), priced)
        return Verdict(
            status=STATUS[decision.outcome],
            message=_message(inspection, decision),
            inspection=inspection,
            decision=decision,
            image_id=image_id,
            summary=template_text(facts),
            estimate=priced,
        )

    async def keep(
        self,
        submissions: Sequence[Submission],
        profile: str | None = None,
        form: Mapping[str, FormValue] | None = None,
        device: str = "",
        idempotency_key: str | None = None,
        attended: bool = True,
    ) -> tuple[Case, bool]:
        """Make a case of one photo or several; returns when it is durable.

        Args:
            submissions: the photos; the first one is what the case is judged by.
            profile: whose rules; staged photos keep the one they were checked with.
            form: what a person typed.
            device: who took it, where that isn't this device itself.
            idempotency_key: the same key and content again gives the same case.
            attended: False where nobody could fill the form in: the device's own camera.

        Returns:
            The case, and False where the key had already made it.

        Raises:
            RetakeError: a photo is not usable.
            ConflictError: the key came before with something else.
            DiskFullError: no room; nothing was stored.
        """
        if not submissions:
            raise BadRequestError("There is no photo.", "Send `image` or `image_id`.")

        def work() -> Coroutine[None, None, tuple[Case, bool]]:
            return self._keep(submissions, profile, form or {}, device, idempotency_key, attended)

        if idempotency_key is None:
            return await work()
        wanted = (tuple(submissions), profile, dict(form or {}), device)
        (case, created), own = await self._keeping.do(idempotency_key, wanted, work)
        return case, created and own

    async def _keep(
        self,
        submissions: Sequence[Submission],
        profile: str | None,
        form: Mapping[str, FormValue],
        device: str,
        idempotency_key: str | None,
        attended: bool,
    ) -> tuple[Case, bool]:
        name, looked = await self._look_at_all(submissions, profile)
        chosen = self.profile(name)
        answers = validate_form(form, chosen, complete=attended)
        shots = name_shots([each.shot for each in submissions], chosen)
        draft = self._draft(looked, shots, chosen, answers, device)
        photos = [each.photo for each in looked]
        case, created = await self._store.add(draft, photos, idempotency_key)
        if created:
            told = {"id": case.id, "status": case.status.value, "profile": case.profile}
            self._events.publish(EventKind.CASE_STORED, told)
            self._summaries.follow(case.id)
        return case, created

    async def _look_at_all(
        self, submissions: Sequence[Submission], profile: str | None
    ) -> tuple[str | None, list[Looked]]:
        name, looked = profile, []
        for submission in submissions:
            if submission.image_id:
                photo, inspection, staged = await self._store.staged(submission.image_id)
                name = name or staged
                if name != staged:
                    inspection, photo = await self._vision.inspect(
                        photo.data, self.profile(name).id
                    )
            else:
                inspection, photo = await self._vision.inspect(
                    submission.photo, self.profile(name).id
                )
            if inspection.quality.flaws:
                raise RetakeError("This photo is not usable.", inspection.quality.message)
            looked.append(Looked(inspection, photo, submission))
        return name, looked

    def _draft(
        self,
        looked: Sequence[Looked],
        shots: Sequence[str],
        profile: Profile,
        form: Mapping[str, FormValue],
        device: str,
    ) -> CaseDraft:
        first = looked[0]
        seen, frame = first.inspection.predictions, _frame(first.photo)
        decision = with_missing_shots(_decision(first.inspection, profile), shots, profile)
        later = [each.inspection.predictions for each in looked[1:]]
        decision = with_later_photos(decision, seen, later)
        priced = estimate(seen, frame, profile)
        primary = pick_primary(seen, frame, profile, form)
        facts = facts_of(seen, decision, profile, frame, priced)
        accepted = decision.outcome is Outcome.ACCEPTED
        return CaseDraft(
            device=device or self._identity.device,
            profile=profile.id,
            created=self._clock.now(),
            status=Status.ACCEPTED if accepted else Status.NEEDS_REVIEW,
            images=tuple(map(_record, looked, shots)),
            quality=first.inspection.quality,
            predictions=seen,
            decision=decision if primary is None else _because(decision, primary.reason),
            form=form,
            summary=Summary(template_text(facts), Author.TEMPLATE, verified=True),
            models=first.inspection.models,
            estimate=priced,
            primary=None if primary is None else primary.index,
            clock_ok=self._clock.trusted(),
            boot=self._identity.boot,
            monotonic=self._clock.monotonic(),
        )


def _decision(inspection: Inspection, profile: Profile) -> Decision:
    return decide(
        inspection.quality,
        inspection.predictions,
        out_of_domain=inspection.out_of_domain,
        missing=inspection.missing,
        profile=profile,
        doubts=inspection.doubts,
    )


def _message(inspection: Inspection, decision: Decision) -> str:
    return inspection.quality.message or "; ".join(
        decision.reasons if decision.outcome is not Outcome.ACCEPTED else ()
    )


def _because(decision: Decision, reason: str) -> Decision:
    return replace(decision, reasons=(*decision.reasons, reason))


def _frame(photo: Photo) -> tuple[int, int]:
    return photo.width, photo.height


def _record(looked: Looked, shot: str) -> ImageRecord:
    photo, submission = looked.photo, looked.submission
    return ImageRecord(
        sha256=photo.sha256,
        size=len(photo.data),
        width=photo.width,
        height=photo.height,
        media_type=photo.media_type,
        shot=shot,
        camera=submission.camera or {},
    )
