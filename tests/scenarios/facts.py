"""Prints every fact of a tree that a restore must bring back, one line a name, for comparing two trees. Names as bytes."""
import hashlib
import os
import stat
import sys


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


root = os.fsencode(sys.argv[1])
left_out = {os.fsencode(name) for name in sys.argv[2:]}
names = []
for folder, folders, files in os.walk(root):
    folders.sort()
    names += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]

first_name = {}
for name in sorted(names):
    if name in left_out or os.path.basename(name) in left_out or name.split(b"/")[0] in left_out:
        continue
    path = os.path.join(root, name)
    facts = os.lstat(path)
    line = [repr(name), stat.filemode(facts.st_mode), f"{facts.st_uid}:{facts.st_gid}"]
    line.append(str(facts.st_mtime_ns))
    if stat.S_ISLNK(facts.st_mode):
        line.append("-> " + repr(os.readlink(path)))
    elif stat.S_ISREG(facts.st_mode):
        line.append(str(facts.st_size))
        if facts.st_nlink > 1:
            line.append("= " + repr(first_name.setdefault((facts.st_dev, facts.st_ino), name)))
        line.append(sha256(path))
    print(" ".join(line))
