"""What alembic runs: the migrations, in the transaction of whoever called."""

from alembic import context

from tower_sync_server.archive import damage, tombstones
from tower_sync_server.database.base import metadata
from tower_sync_server.people import tables

TABLES = (metadata, damage.damaged, tombstones.purged, tables.users)
"""Whoever imports these modules adds their tables to the metadata."""

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
