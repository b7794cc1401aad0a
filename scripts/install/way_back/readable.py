"""Run by the version that is gone back to: sets a database aside that a newer one has migrated.

Only where this version refuses it. On its start it then makes the database again from the sidecars,
which have every case and every revision that was taken in meanwhile; the copy made before the
upgrade has not.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import UTC, datetime

from edge.errors import OperatorError
from edge.settings.file import load
from edge.store.database import connect
from edge.store.layout import Layout
from edge.store.migrations import migrate
from edge.store.opening import lock, set_aside

layout = Layout(load(None, os.environ).store.data_dir)
if not layout.database.exists():
    sys.exit()
lock(layout)
try:
    with closing(connect(layout.database, "FULL")) as db:
        migrate(db)
except OperatorError as e:
    aside = set_aside(layout, datetime.now(UTC))
    sys.stdout.write(f"{e.message} It lies in {aside} now.\n")
