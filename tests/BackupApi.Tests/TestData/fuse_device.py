"""What the FUSE file systems of these tests have in common (linux/fuse.h, protocol 7.19): mounting, and answering one request after the other. Needs root and /dev/fuse."""
import ctypes
import errno
import os
import struct
import sys
import threading

FORGET, BATCH_FORGET = 2, 42


def serve(device, answer):
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
        body = answer(opcode, node, request[40:])
        error, body = (body, b"") if isinstance(body, int) else (0, body)
        os.write(device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)


def mount(path, answer):
    """Says "ready" when it is mounted, ends with the standard input. answer(opcode, node, body) gives bytes, or an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    if libc.mount(b"test", path, b"fuse", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fuse):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    threading.Thread(target=serve, args=(fuse, answer), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    libc.umount2(path, 2)
