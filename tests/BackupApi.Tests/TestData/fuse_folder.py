"""A FUSE file system of a few lines (linux/fuse.h, protocol 7.19): a folder in which every name is an empty file.

Usage: fuse_folder.py MOUNTPOINT. Says "ready" when it is mounted, ends with its standard input. Needs root and /dev/fuse.
"""
import ctypes
import errno
import os
import struct
import sys
import threading

LOOKUP, FORGET, GETATTR, STATFS, INIT, BATCH_FORGET = 1, 2, 3, 17, 26, 42
ROOT, FILE = 1, 2


def attributes(node):
    mode = 0o040755 if node == ROOT else 0o100644
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node):
    if opcode == INIT:
        return struct.pack("<4I2HI", 7, 19, 0, 0, 0, 0, 4096)
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        return struct.pack("<4QII", FILE, 0, 0, 0, 0, 0) + attributes(FILE)
    if opcode == STATFS:
        return struct.pack("<5Q4I24x", 1 << 30, 1 << 29, 1 << 29, 1 << 20, 1 << 20, 4096, 255, 4096, 0)
    return None


def serve(device):
    while True:
        try:
            request = os.read(device, 1 << 17)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT):
                continue
            return
        _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
        if opcode in (FORGET, BATCH_FORGET):
            continue
        body = answer(opcode, node)
        os.write(device, struct.pack("<IiQ", 16 + len(body or b""), 0 if body is not None else -errno.ENOSYS, unique) + (body or b""))


path = sys.argv[1].encode()
libc = ctypes.CDLL(None, use_errno=True)
fuse = os.open("/dev/fuse", os.O_RDWR)
if libc.mount(b"test", path, b"fuse", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fuse):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
threading.Thread(target=serve, args=(fuse,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
libc.umount2(path, 2)
