"""What audit_sync = fsync costs: the same questions with write and with fsync, in turns, over 1 and 16 connections. By hand, never in a test:
    make program && python3 tests/audit_cost.py"""
import statistics
import sys
import time

import load
import sites

ROUNDS, SECONDS = 5, 4


def measured(site, connections):
    site.start()
    sites.until(lambda: site.is_up(links=False), "the site is up")
    asking = load.Load([(site, site.domain)], connections)
    time.sleep(SECONDS)
    told, took = asking.end()
    site.stop()
    if told.wrong or told.failed:
        sys.exit(f"not what was asked for: {told.wrong[:1]} {told.failed[:1]}")
    return told.right / took, told.median() * 1000


def main():
    with sites.pair(b_settings={"audit_sync": "fsync"}, start=False) as (a, b):
        ways = {"write": a, "fsync": b}
        for site in ways.values():
            load.calendars(site)
        print(f"connections  audit_sync  answers/s  median ms   (medians of {ROUNDS} rounds)")
        for connections in (1, 16):
            found = {sync: [] for sync in ways}
            for _ in range(ROUNDS):
                for sync, site in ways.items():
                    found[sync].append(measured(site, connections))
            for sync, list_ in found.items():
                print(f"{connections:11}  {sync:10}  {statistics.median(x[0] for x in list_):9.0f}  {statistics.median(x[1] for x in list_):9.2f}", flush=True)


main()
