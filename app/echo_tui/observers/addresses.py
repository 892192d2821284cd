"""The address of this machine in its network."""

import ipaddress
import socket

import psutil


def lan_address() -> str:
    """Return the first IPv4 address of an interface that is up and not loopback; empty if there is none."""
    up = {name for name, status in psutil.net_if_stats().items() if status.isup}
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if name in up and address.family == socket.AF_INET:
                found = ipaddress.ip_address(address.address)
                if not (found.is_loopback or found.is_link_local):
                    return address.address
    return ""
