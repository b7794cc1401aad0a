from edge.adapters.vision.blame import MEMORY_S, MOST, Blame


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_photo_is_guilty_from_its_second_worker_on():
    blame = Blame()
    assert not blame.guilty(b"evil")
    assert blame.mark(b"evil") == 1
    assert not blame.guilty(b"evil")
    assert blame.mark(b"evil") == 2
    assert blame.guilty(b"evil")


def test_another_photo_of_the_same_length_is_not_guilty():
    blame = Blame()
    blame.mark(b"evil")
    blame.mark(b"evil")
    assert not blame.guilty(b"good")


def test_guilt_is_forgotten_after_a_while():
    clock = Clock()
    blame = Blame(clock)
    blame.mark(b"evil")
    blame.mark(b"evil")
    clock.now = MEMORY_S + 1
    assert not blame.guilty(b"evil")
    assert blame.mark(b"evil") == 1


def test_only_so_many_are_remembered():
    blame = Blame()
    for _ in range(2):
        blame.mark(b"first")
    for n in range(MOST):
        blame.mark(b"other %d" % n)
    assert not blame.guilty(b"first")


def test_a_photo_that_went_through_is_absolved_and_others_are_not():
    blame = Blame()
    for photo in (b"good", b"evil"):
        blame.mark(photo)
        blame.mark(photo)
    blame.absolve(b"good")
    blame.absolve(b"never heard of")
    assert not blame.guilty(b"good")
    assert blame.guilty(b"evil")
