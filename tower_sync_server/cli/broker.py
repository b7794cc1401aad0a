"""`edgecase-tower broker`."""

import signal

from tower_sync_server.cli.options import Config, settings_of


def broker(config: Config = None) -> None:
    """Run the broker that devices send to: mosquitto, with the fleet's certificates."""
    from tower_sync_server.broker.keeper import Keeper
    from tower_sync_server.broker.places import fleet_folder, names_of_broker, plan_of
    from tower_sync_server.fleet.fleet import Fleet
    from tower_sync_server.logs import set_up_logs

    set_up_logs()
    settings = settings_of(config)
    keeper = Keeper(Fleet(fleet_folder(settings)), plan_of(settings), names_of_broker(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: keeper.stop())
    keeper.run()
