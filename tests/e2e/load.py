# SPDX-License-Identifier: Apache-2.0
"""Events to send, and senders that go on whatever happens to the server."""
import collections
import threading
import time
import uuid

import requests

NOW = int(time.time() * 1000)


def conversion(event_id: str, key: str, **more) -> dict:
    return {"uuid": event_id, "timestamp": NOW, "key": key, "entity_id": "9", "type": "custom", **more}


def body(account: str, visitor: str, events: list[dict], decisions: list[dict] | None = None) -> dict:
    return {"account_id": account, "client_name": "e2e", "client_version": "1", "revision": "7",
            "visitors": [{"visitor_id": visitor, "attributes": [
                {"entity_id": "5", "key": "plan", "type": "custom", "value": "gold"}],
                "snapshots": [{"decisions": decisions or [], "events": events}]}]}


class Load:
    """Knows what was attempted and what the server acknowledged."""

    def __init__(self, api: str, senders: int, account: str, events: int = 5, patience: float = 5):
        self.url, self.account, self.events, self.patience = f"{api}/v1/events", account, events, patience
        self.attempted, self.acknowledged, self.answers = set(), set(), collections.Counter()
        self.slowest = 0.0
        self.stop = threading.Event()
        self.dark = threading.Event()  # while the power is off: what arrives now, nobody could have received
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(senders)]

    def send(self, number: int) -> None:
        session = requests.Session()
        while not self.stop.is_set():
            ids = [str(uuid.uuid4()) for _ in range(self.events)]
            self.attempted.update(ids)
            began = time.monotonic()
            try:
                answer = session.post(self.url, timeout=self.patience, json=body(
                    self.account, f"v{number}", [conversion(each, f"e{number}") for each in ids]))
            except requests.RequestException:
                time.sleep(0.02)
                continue
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.answers[answer.status_code] += 1
            if answer.status_code == 204 and not self.dark.is_set():
                self.acknowledged.update(ids)

    def check(self, case, rows: list[dict], known: set[str] = frozenset()) -> None:
        """Every acknowledged event is among the rows once, and nothing that was never sent; `known`: sent besides."""
        uuids = [row["uuid"] for row in rows]
        case.assertEqual(len(uuids), len(set(uuids)), "a row came twice")
        case.assertEqual(set(), self.acknowledged - set(uuids), "acknowledged, and not exported")
        case.assertEqual(set(), set(uuids) - self.attempted - set(known), "a row that nobody sent")

    def __enter__(self) -> "Load":
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for each in self.threads:
            each.join()
