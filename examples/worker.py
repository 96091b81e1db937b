"""The example worker: ships what the application has taken. It opens the same database, so it waits for the same thing."""
import os
import sqlite3
import time

import ready

ready.wait()
db = sqlite3.connect(os.environ.get("DATABASE", "/storage/shop.db"), timeout=10, isolation_level=None)

while True:
    try:
        db.execute("UPDATE orders SET shipped = 1 WHERE shipped = 0")
    except sqlite3.OperationalError as e:
        print("later:", e, flush=True)  # the application has not made its table yet
    time.sleep(1)
