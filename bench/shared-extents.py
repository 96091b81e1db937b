#!/usr/bin/env python3
"""What sharing the carried-over chunks of an archive with the one before would save and cost, on a loop-mounted XFS (reflink).

Takes two real archives of this service (the second one made with the first as its reference) and lays the second one out anew:
  copy     the chunks one behind the other, as the service writes them
  shared   each stretch of carried-over chunks brought to the place within a 4 KiB block that it has in the first archive, by empty stored
           blocks (5 bytes each: the gap grows by a block where it is no multiple of 5 before), its whole blocks cloned with FICLONERANGE
Prints time (median), disk that the file takes by itself, and bytes of padding. Needs root, mkfs.xfs and a build of the service.
usage: bench/shared-extents.py ARCHIVE1 ARCHIVE2 [MIN_STRETCH]   (stretches shorter than MIN_STRETCH bytes are copied; default 65536)
"""
import fcntl, os, statistics, struct, subprocess, sys, tempfile, time, zlib

FICLONERANGE = 0x4020940D
BLOCK = 4096
RUNS = 5


class Index:
    """The chunks of an archive, read from its index as docs/ARCHIVE_FORMAT.md describes it."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            data = self.data = memoryview(file.read())
        locator = data[-1544:-1032]
        assert bytes(locator[:16]) == b"BackupApi index\n", path
        numbers = struct.unpack_from("<14Q", locator, 24)
        self.content, self.end, index, directory, length = numbers[3], numbers[4], numbers[8], numbers[9], numbers[10]
        pages = self.directory(inflate(data[directory:directory + length]))
        self.chunks = []
        offset = self.content
        for size in pages:
            for compressed, sha256 in chunks(inflate(data[index:index + size])):
                self.chunks.append((offset, compressed, sha256))
                offset += compressed
            index += size
        assert offset == self.end, "the chunks do not fill the content"

    @staticmethod
    def directory(data):
        count, at = number(data, 0)
        sizes = []
        for _ in range(count):
            size, at = number(data, at)
            _, at = number(data, at)
            _, at = number(data, at + 5)
            name, at = number(data, at)
            at += name
            sizes.append(size)
        return sizes


def inflate(data):
    return zlib.decompressobj(-15).decompress(data)


def number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def chunks(page):
    at = 0
    while at < len(page):
        tag = page[at]
        at += 1
        if tag == 1:
            count, at = number(page, at)
            for _ in range(count):
                head = page[at]
                at += 1
                length, at = number(page, at)
                at += length
                for _ in range(4):
                    _, at = number(page, at)
                at += 4
                length, at = number(page, at) if head & 15 in (0, 2, 3) else (0, at)
                at += length if head & 15 in (2, 3) else 0
                if head & 16:
                    for _ in range(3):
                        _, at = number(page, at)
                    at += 4
        elif tag == 2:
            compressed, at = number(page, at)
            _, at = number(page, at)
            yield compressed, bytes(page[at + 8:at + 40])
            at += 40
        else:
            count, at = number(page, at)
            at += 32 * count


def stretches(old, new):
    """Rows of (offset in new, length, offset in old or None): neighbours that are neighbours in both are one."""
    places = {}
    for offset, length, sha256 in old.chunks:
        places.setdefault((sha256, length), []).append(offset)
    rows = []
    for offset, length, sha256 in new.chunks:
        found = places.get((sha256, length), [])
        last = rows[-1] if rows else None
        after = last[2] + last[1] if last and last[2] is not None else None
        start = after if after in found else found[0] if found else None
        if start is not None and new.data[offset:offset + length] != old.data[start:start + length]:
            start = None
        if last and (start is None) == (last[2] is None) and (start is None or start == after):
            last[1] += length
        else:
            rows.append([offset, length, start])
    return rows


def padding(gap):
    """Bytes of empty stored blocks (5 each) that bring a place forward by gap, modulo a block."""
    while gap % 5:
        gap += BLOCK
    return gap


def lay_out(old, new, rows, target, share, shortest):
    """Writes the content of the second archive; gives bytes of padding, bytes cloned, number of clones, and when all was written but not flushed."""
    source = os.open(old.path, os.O_RDONLY)
    out = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    at = padded = cloned = calls = 0

    def put(data):
        nonlocal at
        for begin in range(0, len(data), 1 << 20):
            at += os.pwrite(out, data[begin:begin + (1 << 20)], at)

    put(new.data[:new.content])
    for offset, length, start in rows:
        if share and start is not None and length >= shortest:
            gap = padding((start - at) % BLOCK)
            put(b"\0\0\0\xff\xff" * (gap // 5))
            padded += gap
            head = -start % BLOCK
            whole = (length - head) // BLOCK * BLOCK
            # Read and compared all the same: rot must not spread.
            zlib.crc32(os.pread(source, length, start))
            put(new.data[offset:offset + head])
            if whole > 0:
                fcntl.ioctl(out, FICLONERANGE, struct.pack("qQQQ", source, start + head, whole, at))
                at += whole
                cloned += whole
                calls += 1
            put(new.data[offset + head + max(whole, 0):offset + length])
        else:
            if start is not None:
                zlib.crc32(os.pread(source, length, start))
            put(new.data[offset:offset + length])
    put(new.data[new.end:])
    written = time.monotonic()
    os.fsync(out)
    os.close(out)
    os.close(source)
    return padded, cloned, calls, written


def free(folder):
    os.sync()
    facts = os.statvfs(folder)
    return facts.f_bfree * facts.f_bsize


def main():
    first, second = (os.path.abspath(path) for path in sys.argv[1:3])
    shortest = int(sys.argv[3]) if len(sys.argv) > 3 else 65536
    with tempfile.TemporaryDirectory(dir=os.path.dirname(second)) as work:
        image, mount = f"{work}/xfs.img", f"{work}/xfs"
        os.mkdir(mount)
        subprocess.run(["truncate", "-s", "4G", image], check=True)
        subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        try:
            with open(first, "rb") as read, open(f"{mount}/first", "wb") as write:
                write.write(read.read())
            os.sync()
            old, new = Index(f"{mount}/first"), Index(second)
            rows = stretches(old, new)
            known = [length for _, length, start in rows if start is not None]
            print(f"{len(new.data)} bytes, {len(new.chunks)} chunks; carried over: {sum(known)} bytes in {len(known)} stretches, {sum(n >= shortest for n in known)} of {shortest} bytes or more")
            for share in (False, True):
                times, flushes, taken = [], [], []
                for run in range(RUNS):
                    before = free(mount)
                    began = time.monotonic()
                    padded, cloned, calls, written = lay_out(old, new, rows, f"{mount}/second", share, shortest)
                    flushes.append(time.monotonic() - written)
                    times.append(written - began)
                    taken.append(before - free(mount))
                    if run == 0 and share:
                        check(f"{mount}/second", new)
                    os.unlink(f"{mount}/second")
                    time.sleep(1)
                print(f"{'shared' if share else 'copy':7} written in {statistics.median(times):5.2f} s, flushed in {statistics.median(flushes):5.2f} s, {statistics.median(taken) / 1e6:7.1f} MB of disk, {padded} bytes of padding ({padded / len(new.data):.2%}), {cloned} bytes cloned in {calls} calls")
        finally:
            subprocess.run(["umount", mount], check=True)


def check(path, new):
    """Padding changes nothing of what the archive inflates to."""
    with open(path, "rb") as file:
        data = file.read()
    assert zlib.decompressobj(31).decompress(data) == zlib.decompressobj(31).decompress(new.data)


if __name__ == "__main__":
    main()
