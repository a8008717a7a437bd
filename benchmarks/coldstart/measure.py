#!/usr/bin/env python3
"""measure.py RUNS VARIANTS.json: starts each variant in turn, RUNS times over, and prints medians as Markdown.

VARIANTS.json: a list of {"name", "argv", "cwd", "env", "file"}; "file" must be there when the process has ended, and is
taken away before each start. One more round comes first and doesn't count. What the kernel tells about a process that
has ended (wait4) gives CPU time and peak memory; the wall clock runs from before the start to after the end.
"""

import json
import os
import statistics
import sys
import time

GOALS = [  # goal, what, of, bound, measure
    ("T1", "25 tls", "17 plain tls", 0.30, "wall"),
    ("T1", "25 tls", "floor tls", 1.35, "wall"),
    ("T2", "17 cds tls", "17 plain tls", 0.42, "wall"),
    ("T3", "25 tls ten secrets", "25 tls", 1.25, "wall"),
    ("T4", "25 tls irsa", "25 tls", 1.35, "wall"),
    ("T4b", "25 tls", "17 plain tls", 0.28, "cpu"),
    ("T5", "25 tls", None, 66, "memory"),
]


def run(variant):
    """One process: wall clock and CPU time in ms, peak resident memory in MB."""
    published = variant["file"]
    if os.path.lexists(published):
        os.unlink(published)
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    log = variant["file"] + ".log"
    quiet.append((os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    os.chdir(variant["cwd"])
    start = time.perf_counter()
    pid = os.posix_spawn(variant["argv"][0], variant["argv"], variant["env"], file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0 or not os.path.exists(published):
        with open(log, encoding="utf-8") as text:
            sys.exit(f"{variant['name']} failed with status {status}:\n{text.read()}")
    os.unlink(log)
    return {
        "wall": wall * 1000,
        "cpu": (usage.ru_utime + usage.ru_stime) * 1000,
        "memory": usage.ru_maxrss / 1024,
    }


def main():
    runs = int(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        variants = json.load(file)
    results = {variant["name"]: [] for variant in variants}
    for number in range(runs + 1):
        for variant in variants:
            result = run(variant)
            if number:
                results[variant["name"]].append(result)
    median = {
        name: {key: statistics.median(one[key] for one in all_runs) for key in all_runs[0]}
        for name, all_runs in results.items()
    }
    first = median[variants[0]["name"]]
    print(f"Medians of {runs} interleaved runs.\n")
    print("| variant | wall ms | ratio | CPU ms | ratio | peak memory MB |")
    print("|---|---|---|---|---|---|")
    for name, m in median.items():
        print(
            f"| {name} | {m['wall']:.0f} | {m['wall'] / first['wall']:.2f} | {m['cpu']:.0f} "
            f"| {m['cpu'] / first['cpu']:.2f} | {m['memory']:.0f} |"
        )
    print("\n| goal | what | at most | measured | |")
    print("|---|---|---|---|---|")
    for goal, what, of, bound, key in GOALS:
        if what not in median or (of and of not in median):
            continue
        measured = median[what][key] / (median[of][key] if of else 1)
        text = f"{key} of *{what}*" + (f" / *{of}*" if of else ", MB")
        verdict = "reached" if measured <= bound else "**missed**"
        print(f"| {goal} | {text} | {bound:g} | {measured:.3g} | {verdict} |")


main()
