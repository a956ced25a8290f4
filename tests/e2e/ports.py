# SPDX-License-Identifier: Apache-2.0
"""Ports for servers and engines."""
import socket


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now."""
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
