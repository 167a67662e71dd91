"""Nothing connects anywhere but to this computer: what a client tries beside its address is a failure, not traffic.

Imported before the client, so that it holds for all that the client brings along.
"""

import ipaddress
import socket


def is_local(host):
    """Whether a name or address is this computer's."""
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse(host):
    raise OSError(f"sealed: nothing may connect to {host}")


def sealed(connect):
    def checked(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            refuse(address[0])
        return connect(self, address)

    return checked


socket.socket.connect = sealed(socket.socket.connect)
socket.socket.connect_ex = sealed(socket.socket.connect_ex)

look_up = socket.getaddrinfo


def look_up_local(host, *arguments, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if not is_local(name):
        refuse(name)
    return look_up(host, *arguments, **more)


socket.getaddrinfo = look_up_local
