"""Where the device is found."""

from __future__ import annotations

from edge.lan.addresses import own_addresses, worth_telling
from edge.lan.lan import Lan
from edge.lan.place import Place, lan_name, local_names


def test_a_device_that_listens_everywhere_is_found_by_all_its_addresses_and_names() -> None:
    place = Place("0.0.0.0", 8000, 8443, ("192.168.1.7", "fd00::2"), ("edgecase-3f9a.local",))
    assert place.plain() == (
        "http://192.168.1.7:8000/",
        "http://[fd00::2]:8000/",
        "http://edgecase-3f9a.local:8000/",
    )
    assert place.secure()[0] == "https://192.168.1.7:8443/"


def test_a_device_that_listens_on_one_address_is_found_there_alone() -> None:
    assert Place("127.0.0.1", 8000, 0, ("1.2.3.4",)).plain() == ("http://127.0.0.1:8000/",)
    assert Place("::1", 8000).plain() == ("http://[::1]:8000/",)


def test_without_any_network_something_is_still_said() -> None:
    assert Place("0.0.0.0", 8000).plain() == ("http://localhost:8000/",)


def test_the_name_is_the_devices_own_and_stays_the_same() -> None:
    assert lan_name("3F9a0000-1111") == "edgecase-3f9a"
    assert local_names("3f9a0000", "Garage") == ("edgecase-3f9a.local", "garage.local")
    assert local_names("3f9a0000", "garage.local.") == ("edgecase-3f9a.local", "garage.local")
    assert local_names("3f9a0000", "edgecase-3f9a") == ("edgecase-3f9a.local",)


def test_what_a_phone_can_not_open_is_not_told() -> None:
    found = [
        ("lo", "127.0.0.1"),
        ("eth0", "2001:db8::7"),
        ("eth0", "fe80::1%eth0"),
        ("docker0", "172.17.0.1"),
        ("wlan0", "192.168.1.7"),
        ("wlan0", "169.254.1.1"),
        ("wwan0", "93.184.216.34"),
        ("odd", "no address"),
    ]
    assert worth_telling(found) == ("192.168.1.7", "93.184.216.34", "2001:db8::7")


def test_only_what_is_listened_on_is_told() -> None:
    ips = ("192.168.1.7", "fd00::7")
    found = {host: Lan(host, 80, look=lambda: ips).place().ips for host in ("0.0.0.0", "::", "")}
    assert found == {"0.0.0.0": ips[:1], "::": ips[1:], "": ips}


def test_this_machine_can_be_looked_at() -> None:
    assert all(not address.startswith("127.") for address in own_addresses())
