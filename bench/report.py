# SPDX-License-Identifier: Apache-2.0
"""Figures and how they are shown: one JSON object a line, and a table for people."""
import json
import statistics

TARGETS = {  # name: (figure that is held to the target, "at least" or "at most", target)
    "credentials.cpu_vs_nginx": ("ratio", "at most", 1.35),
    "credentials.rps_vs_nginx": ("ratio", "at least", 0.72),
    "credentials.half_load_p99_ms": ("value", "at most", 1.5),
    "credentials.half_load_p99_vs_nginx": ("ratio", "at most", 1.5),
    "credentials.vs_peer": ("ratio", "at least", 50),
    "get_16k.rps_vs_nginx": ("ratio", "at least", 0.4),
    "get_16k.vs_peer": ("ratio", "at least", 3),
    "get_256m.vs_bare_loop": ("ratio", "at least", 0.9),
    "get_256m_tls.vs_nginx_tls": ("ratio", "at least", 0.85),
    "list.page_1m_p50_ms": ("value", "at most", 1.5),
    "list.page_1m_vs_10k": ("ratio", "at most", 1.5),
    "import.vs_bare_loop": ("ratio", "at least", 0.85),
    "idle_rss_mib": ("value", "at most", 40),
    "idle_1000_connections_rss_mib": ("value", "at most", 100),
    "intake.events_per_s": ("value", "at least", 150_000),
    "intake.p99_ms": ("value", "at most", 20),
    "intake.rps_vs_credentials": ("ratio", "at least", 0.25),
    "intake.p99_while_exporting_vs_idle": ("ratio", "at most", 1.5),
    "intake.p99_while_exporting_vs_idle_at_a_fifth": ("ratio", "at most", 2.5),
    "export.rows_vs_bare_copy": ("ratio", "at least", 0.7),
    "export.partitions_100k_rss_mib": ("value", "at most", 1024),
    "export.cost_10m_vs_1m": ("ratio", "at most", 1.3),
    "export.cost_per_event_100m_vs_1m": ("ratio", "at most", 1.3),
    "sync_10k.vs_aws": ("ratio", "at most", 0.12),
    "sync_10k.vs_rclone": ("ratio", "at most", 0.5),
    "sync_2g.vs_fastest": ("ratio", "at most", 1.0),
    "sync_2g.rss_mib": ("value", "at most", 64),
    "sync_noop_100k_s": ("value", "at most", 2),
    "credential_process_ms": ("value", "at most", 5),
    "console.first_load_kib": ("value", "at most", 60),
    "console.interactive_ms": ("value", "at most", 500),
    "console.idle_rss_added_mib": ("value", "at most", 2),
    "console.export_page_3m_parts_ms": ("value", "at most", 50),
    "console.export_day_3m_parts_ms": ("value", "at most", 50),
    "sts.cached_exchange_vs_embedded": ("ratio", "at most", 1.2),
    "sts.calls_per_1000_exchanges": ("value", "at most", 110),
    "s3store.put_vs_rclone": ("ratio", "at most", 0.7),
    "gateway.get_256m_vs_direct": ("ratio", "at least", 0.8),
    "tables.load_ms": ("value", "at most", 5),
    "tables.list_parts_ms": ("value", "at most", 5),
    "tables.plan_1m_s": ("value", "at most", 6),
    "tables.plan_1m_mib": ("value", "at most", 64),
    "tables.one_day_bytes": ("ratio", "at most", 1.3),
    "scale.page_vs_a_tenth": ("ratio", "at most", 1.5),
    "scale.close_vs_a_fifth": ("ratio", "at most", 1.3),
    "scale.exchange_vs_a_tenth": ("ratio", "at most", 1.5),
    "build.release_cpu_s": ("value", "at most", 540),
    "build.test_cpu_s": ("value", "at most", 840),
    "build.change_cc_s": ("value", "at most", 10),
    "build.change_header_s": ("value", "at most", 120),
    "kafka.intake_events_per_s": ("ratio", "at least", 0.6),
    "pg.exchange_cpu_vs_sqlite": ("ratio", "at most", 1.1),
    "nodes.failover_s": ("value", "at most", 40),
    "nodes.throughput_3_vs_1": ("ratio", "at least", 2.5),
}


def figure(name: str, unit: str, values: list[float], floors: list[float] | None = None,
           inverse: bool = False) -> dict:
    """From paired runs: medians, and the median of the pairs' ratios (value over floor, or floor over value when
    less is better and the target says "at least") with their spread."""
    ratios = [floor / value if inverse else value / floor for value, floor in zip(values, floors or [])]
    ratio = statistics.median(ratios) if ratios else None
    held, direction, target = TARGETS[name]
    measured = ratio if held == "ratio" else statistics.median(values)
    met = measured >= target if direction == "at least" else measured <= target
    return {"name": name, "value": round(statistics.median(values), 4), "unit": unit,
            "floor": round(statistics.median(floors), 4) if floors else None,
            "ratio": round(ratio, 3) if ratio is not None else None,
            "target": f"{held} {direction} {target}", "met": met,
            "spread": [round(min(ratios or values), 3), round(max(ratios or values), 3)], "runs": len(values)}


def show(figures: list[dict]) -> str:
    rows = [["name", "value", "floor", "ratio", "spread", "target", "met"]]
    for each in figures:
        rows.append([each["name"], f"{each['value']:g} {each['unit']}",
                     "" if each["floor"] is None else f"{each['floor']:g}",
                     "" if each["ratio"] is None else f"{each['ratio']:g}",
                     f"{each['spread'][0]:g} to {each['spread'][1]:g}", each["target"], "yes" if each["met"] else "NO"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write_json(path: str, figures: list[dict]) -> None:
    with open(path, "w") as file:
        file.writelines(json.dumps(each) + "\n" for each in figures)
