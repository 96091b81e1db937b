"""A FUSE file system of a few lines (linux/fuse.h, protocol 7.19): a folder in which every name is an empty file.

Usage: fuse_folder.py MOUNTPOINT. Says "ready" when it is mounted, ends with its standard input. Needs root and /dev/fuse.
"""
import errno
import struct
import sys

import fuse_device

LOOKUP, GETATTR, STATFS, INIT = 1, 3, 17, 26
ROOT, FILE = 1, 2


def attributes(node):
    mode = 0o040755 if node == ROOT else 0o100644
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body):
    if opcode == INIT:
        return struct.pack("<4I2HI", 7, 19, 0, 0, 0, 0, 4096)
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        return struct.pack("<4QII", FILE, 0, 0, 0, 0, 0) + attributes(FILE)
    if opcode == STATFS:
        return struct.pack("<5Q4I24x", 1 << 30, 1 << 29, 1 << 29, 1 << 20, 1 << 20, 4096, 255, 4096, 0)
    return errno.ENOSYS


fuse_device.mount(sys.argv[1].encode(), answer)
