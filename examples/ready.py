"""Waits until BackupApi says that storage may be opened.

depends_on with service_healthy does the same for `docker compose up`, but `docker compose restart` and a reboot of the
machine start all containers at once: then this loop is what lets a restore come first.
"""
import os
import signal
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("BACKUPAPI_URL", "http://backupapi:8080") + "/api/health/ready"


def wait():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    said = False
    while True:
        try:
            with urllib.request.urlopen(URL, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if not said:
                print("waiting for BackupApi", flush=True)
                said = True
            time.sleep(0.5)
