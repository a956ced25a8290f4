# SPDX-License-Identifier: Apache-2.0
"""A job that goes on longer than its credentials: what it reads, it reads again and again. Either it moves the clock
that it shares with the server, or (where no clock can be moved) credentials live for seconds only."""
import json
import os
import time


def move_clock(seconds: int) -> None:
    offset = os.environ["FAKETIME_TIMESTAMP_FILE"]
    with open(offset) as file:
        now = int(file.read())
    with open(offset + ".new", "w") as file:
        file.write(f"+{now + seconds}\n")
    os.replace(offset + ".new", offset)


def hops():
    """Between two of these, credentials expire. None with exported credentials, which nobody renews."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return
    if "INTEROP_SECONDS" in os.environ:
        until = time.monotonic() + float(os.environ["INTEROP_SECONDS"])
        while time.monotonic() < until:
            time.sleep(1)
            yield
    else:
        for _ in range(3):
            move_clock(70 * 60)
            yield


def for_hours(read) -> None:
    """Prints what `read` returned, as JSON; it must be the same each time, though credentials expired in between."""
    first = read()
    for _ in hops():
        again = read()
        if again != first:
            raise SystemExit(f"read {first} first and later {again}")
    print(json.dumps(first))
