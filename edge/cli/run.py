"""`edgecase run`."""

import os

from edge.cli.options import Config


def run(config: Config = None) -> None:
    """Run the device: camera, phone pages, HTTP, until it is stopped.

    With an error in the settings it serves a page that says what is wrong, and nothing else.
    """
    from edge import daemon
    from edge.settings.file import read

    found = read(config, os.environ)
    daemon.run(found.settings, found.error())
