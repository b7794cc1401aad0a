"""`python -m tower_sync_server.releases.trial FOLDER`: runs a model on its golden images.

Exit code 0 where it may serve; 1 with the reason as JSON on standard output where not.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from models.admission.admit import admit
from models.runner import RefusedModelError

MAX_BYTES = 4_000_000_000
"""Address space that a trial may take."""


def main(folder: Path) -> int:
    """Try the model; the exit code says how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        admit(folder)
    except RefusedModelError as e:
        sys.stdout.write(json.dumps({"reason": str(e), "hint": e.hint}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
