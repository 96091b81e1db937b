#!/usr/bin/env python3
"""What bench/compare.sh measures on: makes it, changes it, and sums the figures up. The same bytes each time."""
import itertools
import json
import os
import random
import sqlite3
import statistics
import sys

RANDOM = random.Random(7)
# Prose: a word's frequency falls with its rank (Zipf), as in every language.
WORDS = ["".join(RANDOM.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(RANDOM.randint(3, 10))) for _ in range(2000)]


RANKS = list(itertools.accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


def prose(length):
    return " ".join(RANDOM.choices(WORDS, cum_weights=RANKS, k=length))


def event():
    """A JSON event as an application logs it: identifiers, times and prose."""
    return json.dumps({
        "id": "%012x" % RANDOM.getrandbits(48), "type": RANDOM.choice(["created", "updated", "deleted", "viewed"]),
        "at": "2026-%02d-%02dT%02d:%02d:%02dZ" % (RANDOM.randint(1, 12), RANDOM.randint(1, 28), RANDOM.randint(0, 23), RANDOM.randint(0, 59), RANDOM.randint(0, 59)),
        "user": RANDOM.randint(1, 50000), "source": "web", "version": 3,
        "payload": {"title": prose(6), "body": prose(20), "amount": RANDOM.randint(0, 10000) / 100}})


def make(root):
    os.makedirs(root + "/tables")
    database = sqlite3.connect(root + "/events.sqlite")
    database.execute("create table events(id integer primary key, body text)")
    while os.path.getsize(root + "/events.sqlite") < 250_000_000:
        database.executemany("insert into events(body) values(?)", ((event(),) for _ in range(20000)))
        database.commit()
    database.close()
    with open(root + "/log.jsonl", "w") as log:
        while log.tell() < 90_000_000:
            log.write("".join(event() + "\n" for _ in range(1000)))
    for number in range(33):
        block = bytearray()
        while len(block) < 2_000_000:
            block += RANDOM.randbytes(2048) + prose(400).encode()[:2048]
        with open(root + "/tables/%06d.ldb" % number, "wb") as table:
            table.write(block)
    with open(root + "/one-megabyte.bin", "wb") as one:
        one.write(RANDOM.randbytes(500_000) + bytes(500_000))
    for number in range(5000):
        folder = root + "/small/%02d" % (number % 50)
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/f%05d.json" % number, "w") as small:
            small.write("\n".join(event() for _ in range(RANDOM.randint(1, 12))))


def update(path):
    """Rewrites rows, each of the same length, until one page in a hundred was touched."""
    database = sqlite3.connect(path)
    pages = database.execute("pragma page_count").fetchone()[0]
    rows = database.execute("select max(id) from events").fetchone()[0]
    for _ in range(pages // 100):
        row = RANDOM.randint(1, rows)
        length = database.execute("select length(body) from events where id = ?", (row,)).fetchone()[0]
        database.execute("update events set body = ? where id = ?", ((event() + " " * length)[:length], row))
    database.commit()
    database.close()


def many(count, root):
    for number in range(count):
        folder = root + "/%03d" % (number % 300)
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/%06d.json" % number, "w") as small:
            small.write((event() + event() + event())[:1024])


def large(gigabytes, root):
    """Half of it incompressible; events come again, never in the same order, so no two chunks are alike."""
    pool = [event() for _ in range(20000)]
    megabytes = round(gigabytes * 1024)
    for start in range(0, megabytes, 1024):
        with open(root + "/%03d.bin" % (start // 1024), "wb") as file:
            for _ in range(min(1024, megabytes - start)):
                text = "".join(RANDOM.choices(pool, k=1800)).encode()[:524288]
                file.write(os.urandom(1048576 - len(text)) + text)


def medians(path):
    figures = {}
    for line in open(path):
        work, tool, value = line.split()
        figures.setdefault(work, {}).setdefault(tool, []).append(int(value))
    for work, tools in figures.items():
        middle = {tool: statistics.median(values) for tool, values in tools.items()}
        ours = middle.get("ours")
        print("%-24s %s" % (work, "   ".join("%s %d%s" % (tool, value, "" if tool == "ours" or not value else " (ours/%s %.3f)" % (tool, ours / value)) for tool, value in middle.items())))


if __name__ == "__main__":
    if sys.argv[1] == "--update":
        update(sys.argv[2])
    elif sys.argv[1] == "--many":
        many(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1] == "--large":
        large(float(sys.argv[2]), sys.argv[3])
    elif sys.argv[1] == "--medians":
        medians(sys.argv[2])
    else:
        make(sys.argv[1])
