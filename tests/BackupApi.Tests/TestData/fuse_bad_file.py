"""A FUSE file system of a few lines (linux/fuse.h, protocol 7.19): one file, of which the disk does not give some bytes (EIO).

Usage: fuse_bad_file.py MOUNTPOINT FILE FROM TO. The file keeps its name; bytes FROM to TO (exclusive) fail. Says "ready" when it is mounted, ends with its standard input. Needs root and /dev/fuse.
"""
import errno
import os
import struct
import sys

import fuse_device

LOOKUP, GETATTR, READ, STATFS, INIT, READDIR = 1, 3, 15, 17, 26, 28
ROOT, FILE = 1, 2
source, first, end = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
name, content = os.path.basename(source).encode(), open(source, "rb").read()


def attributes(node):
    mode, size = (0o040755, 0) if node == ROOT else (0o100644, len(content))
    return struct.pack("<6Q10I", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body):
    if opcode == INIT:
        return struct.pack("<4I2HI", 7, 19, 0, 0, 0, 0, 4096)
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        return struct.pack("<4QII", FILE, 0, 0, 0, 0, 0) + attributes(FILE) if body.rstrip(b"\0") == name else errno.ENOENT
    if opcode == STATFS:
        return struct.pack("<5Q4I24x", 1 << 30, 1 << 29, 1 << 29, 1 << 20, 1 << 20, 4096, 255, 4096, 0)
    if opcode == READ:
        offset, size = struct.unpack_from("<8xQI", body)
        return errno.EIO if offset < end and first < offset + size else content[offset:offset + size]
    if opcode == READDIR:
        offset = struct.unpack_from("<8xQ", body)[0]
        return b"" if offset else struct.pack("<2Q2I", FILE, 1, len(name), 8) + name + b"\0" * (-len(name) % 8)
    return errno.ENOSYS


fuse_device.mount(sys.argv[1].encode(), answer)
