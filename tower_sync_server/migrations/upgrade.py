"""Brings the tables up to date; one process does that, before all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tower_sync_server.database.engine import writing
from tower_sync_server.errors import OperatorError

if TYPE_CHECKING:
    import sqlalchemy as sa

MIGRATIONS = "tower_sync_server:migrations"


def migrate(engine: sa.Engine) -> None:
    """Bring the tables to what this program knows.

    Raises:
        OperatorError: a newer program has been here.
        UnavailableError: the database can't be reached.
    """
    with writing(engine) as connection:
        _refuse_newer(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(connection: sa.Connection) -> None:
    """A revision that this program doesn't have is a later program's."""
    now = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if now is not None and now not in known:
        hint = "Install the newer EdgeCase again, or restore a backup."
        raise OperatorError(f"The archive was written by a newer program ({now}).", hint)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    return config
