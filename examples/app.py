"""The example application: takes an order five times a second and keeps its database open, as applications do."""
import os
import sqlite3
import time

import ready

ready.wait()
db = sqlite3.connect(os.environ.get("DATABASE", "/storage/shop.db"), timeout=10, isolation_level=None)

db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, placed_at REAL NOT NULL, item TEXT NOT NULL, shipped INTEGER NOT NULL DEFAULT 0)")
print("opened:", db.execute("SELECT count(*) FROM orders").fetchone()[0], "orders", flush=True)

while True:
    db.execute("INSERT INTO orders (placed_at, item) VALUES (?, ?)", (time.time(), os.urandom(40).hex()))
    time.sleep(0.2)
