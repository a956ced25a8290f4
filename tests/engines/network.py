# SPDX-License-Identifier: Apache-2.0
"""A network that is cut between one process and some ports of loopback, as iptables does it: packets vanish, connections
stay open. Processes are told apart by their group."""
import contextlib
import os
import shutil
import subprocess

FIRST_GROUP = 20_000


def groups(number: int) -> range:
    """For so many processes of this test."""
    first = FIRST_GROUP + os.getpid() % 10_000 * number
    return range(first, first + number)


def why_not() -> str:
    """Empty, or why networks cannot be cut here."""
    if os.geteuid() != 0:
        return "only root can cut networks"
    if not shutil.which("iptables"):
        return "iptables is not installed (script/bootstrap engines)"
    done = subprocess.run([*_rule("-C", 1, FIRST_GROUP)], capture_output=True, text=True)
    # 1: there is no such rule, which only a table that can be read knows.
    return "" if done.returncode == 1 and "Bad rule" in done.stderr else f"iptables: {done.stderr.strip()[-200:]}"


def as_group(group: int) -> tuple[str, ...]:
    """Words before a command whose network is to be cut."""
    return ("setpriv", f"--regid={group}", "--clear-groups", "--")


@contextlib.contextmanager
def cut(group: int, ports: list[int]):
    made = []
    try:
        for port in ports:
            subprocess.run(_rule("-A", port, group), check=True, capture_output=True)
            made.append(port)
            _require_silence(group, port)
        yield
    finally:
        for port in made:
            subprocess.run(_rule("-D", port, group), check=True, capture_output=True)


def _require_silence(group: int, port: int) -> None:
    connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
    done = subprocess.run([*as_group(group), "/usr/bin/python3", "-c", connect], capture_output=True, text=True)
    assert "TimeoutError" in done.stderr, f"port {port} can be reached after the cut: {done.stderr[-200:]}"


def _rule(action: str, port: int, group: int) -> list[str]:
    return ["iptables", "-w", action, "OUTPUT", "-o", "lo", "-p", "tcp", "--dport", str(port), "-m", "owner",
            "--gid-owner", str(group), "-j", "DROP"]
