# SPDX-License-Identifier: Apache-2.0
"""A shop that uses Optimizely's SDK for Python as docs/guide.md says. Prints what the SDK returned to it, a line of
JSON for each call. usage: optimizely_events.py EVENTS_URL DATAFILE VISITORS"""
import json
import pathlib
import sys

import requests
from optimizely import optimizely

url, datafile, visitors = sys.argv[1:]


class ToValetkey:
    @staticmethod
    def dispatch_event(event):
        requests.post(url, json=event.params, timeout=10).raise_for_status()


client = optimizely.Optimizely(pathlib.Path(datafile).read_text(), event_dispatcher=ToValetkey)
for number in range(int(visitors)):
    visitor = f"python {number} é"
    user = client.create_user_context(visitor, {"country": "de", "age": 20 + number % 50, "member": number % 4 == 0})
    for flag in ("checkout", "banner"):
        decision = user.decide(flag)
        print(json.dumps({"call": "decide", "visitor": visitor, "ruleKey": decision.rule_key,
                          "variationKey": decision.variation_key}))
    if number % 2 == 0:
        tags = {"revenue": 100 + number, "value": number / 8, "category": "shoes"}
        user.track_event("purchase", tags)
        print(json.dumps({"call": "track", "visitor": visitor, "event": "purchase", "tags": tags}))
client.close()
