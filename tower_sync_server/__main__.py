"""`edgecase-tower` and `python -m tower_sync_server`."""

from tower_sync_server.cli.app import main

if __name__ == "__main__":
    main()
