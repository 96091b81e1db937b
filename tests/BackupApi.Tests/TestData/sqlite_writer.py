"""An owner of a SQLite database that writes as fast as asked and keeps an invariant.

usage: sqlite_writer.py DATABASE PROGRESS JOURNAL_MODE PAGE_SIZE FILLER_MIB WRITES_PER_SECOND CHECKPOINT_PAGES SYNCHRONOUS

Money moves between accounts (their sum stays), a ledger is numbered without gaps, and each transaction rewrites one row of filler,
so that pages all over the file change. PROGRESS is a file of five little-endian int64: numbers committed and begun, the longest
wait of one transaction in microseconds since the last reset (a number other than 0 in the fourth resets it), and checkpoints seen.
WRITES_PER_SECOND 0 is full speed. Runs until killed or until its standard input ends.
"""
import mmap, os, random, select, sqlite3, struct, sys, time

database, progress, mode = sys.argv[1:4]
page_size, filler_mib, rate, checkpoint = map(int, sys.argv[4:8])
synchronous = sys.argv[8]
ACCOUNTS, ROW = 1000, 8000

db = sqlite3.connect(database, timeout=60, isolation_level=None)
db.execute(f"PRAGMA page_size={page_size}")
db.execute(f"PRAGMA journal_mode={mode}")
db.execute(f"PRAGMA synchronous={synchronous}")
db.execute(f"PRAGMA wal_autocheckpoint={checkpoint}")
rows = max(1, filler_mib * (1 << 20) // ROW)
if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
    db.execute("BEGIN")
    db.execute("CREATE TABLE account(id INTEGER PRIMARY KEY, balance INT, pad BLOB)")
    db.execute("CREATE TABLE ledger(seq INTEGER PRIMARY KEY, source INT, target INT, amount INT)")
    db.execute("CREATE INDEX ledger_source ON ledger(source)")
    db.execute("CREATE TABLE filler(id INTEGER PRIMARY KEY, body BLOB)")
    spread = max(1, rows // ACCOUNTS)
    for i in range(rows):
        db.execute("INSERT INTO filler VALUES(?, ?)", (i, os.urandom(ROW)))
        if i % spread == 0 and i // spread < ACCOUNTS:
            db.execute("INSERT INTO account VALUES(?, 1000, ?)", (i // spread, os.urandom(300)))
    for i in range(ACCOUNTS):
        db.execute("INSERT OR IGNORE INTO account VALUES(?, 1000, ?)", (i, os.urandom(300)))
    db.execute("COMMIT")

seq = db.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0]
with open(progress, "wb") as f:
    f.write(struct.pack("<5q", seq, seq, 0, 0, 0))
shared = memoryview(mmap.mmap(os.open(progress, os.O_RDWR), 40)).cast("q")

def put(index, value):
    # One store of eight bytes, so that a reader never sees half a number; struct.pack_into would write zeros before.
    shared[index] = value

def get(index):
    return shared[index]

print("ready", flush=True)
pick = random.Random(1)
wal, last_wal, began = database + "-wal", 0, time.monotonic()
written = 0
while True:
    if written % 50 == 0:
        if select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.buffer.read1(1):
            break
    if rate:
        ahead = began + written / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    a, b = pick.sample(range(ACCOUNTS), 2)
    put(1, seq + 1)
    start = time.monotonic()
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE account SET balance = balance - 7 WHERE id = ?", (a,))
    db.execute("UPDATE account SET balance = balance + 7 WHERE id = ?", (b,))
    db.execute("INSERT INTO ledger VALUES(?, ?, ?, 7)", (seq + 1, a, b))
    db.execute("UPDATE filler SET body = ? WHERE id = ?", (os.urandom(ROW), pick.randrange(rows)))
    db.execute("COMMIT")
    waited = int((time.monotonic() - start) * 1e6)
    seq += 1
    written += 1
    put(0, seq)
    if get(3):
        put(2, 0)
        put(3, 0)
    if waited > get(2):
        put(2, waited)
    if mode == "wal" and written % 20 == 0:
        with open(wal, "rb") as f:
            salt = f.read(24)[16:24]
        if salt != last_wal:
            put(4, get(4) + 1)
            last_wal = salt
db.close()
