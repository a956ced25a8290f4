# SPDX-License-Identifier: Apache-2.0
"""PyIceberg over the catalog, by token and by OAuth2 in turn. usage: pyiceberg_tables.py BUCKET PREFIX"""
import doors
import job
import summary
from pyiceberg.catalog import load_catalog

WAYS = [{"token": doors.token()},
        {"credential": f"any:{doors.token()}", "oauth2-server-uri": f"{doors.api()}/iceberg/v1/oauth/tokens"}]


def read() -> dict:
    how = WAYS[0]
    WAYS.reverse()
    catalog = load_catalog("vk", type="rest", uri=f"{doors.api()}/iceberg", **how)
    assert catalog.list_tables("export") == [("export", "decisions"), ("export", "events")]
    decisions, events = (catalog.load_table(("export", name)).scan() for name in ("decisions", "events"))
    whole = summary.of_frames(decisions.to_pandas(), events.to_pandas())
    one = sorted(whole["names"])[0]
    found = catalog.load_table("export.events").scan(row_filter=f"event_name == '{one}'").to_pandas()
    assert len(found) == whole["names"][one], "a filter leaves out rows"
    return whole


job.for_hours(read)
