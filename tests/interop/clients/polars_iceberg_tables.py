# SPDX-License-Identifier: Apache-2.0
"""Polars' own reader over the catalog that PyIceberg loads. usage: polars_iceberg_tables.py BUCKET PREFIX"""
import doors
import job
import polars
import summary
from pyiceberg.catalog import load_catalog


def frame(catalog, name: str):
    table = catalog.load_table(("export", name))
    s3 = {key: value for key, value in table.io.properties.items() if key.startswith("s3.")}
    return polars.scan_iceberg(table, storage_options=s3).collect().to_pandas()


def read() -> dict:
    catalog = load_catalog("vk", type="rest", uri=f"{doors.api()}/iceberg", token=doors.token())
    return summary.of_frames(frame(catalog, "decisions"), frame(catalog, "events"))


job.for_hours(read)
