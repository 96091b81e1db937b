// Opens a LevelDB with the real library: "count DIR" prints how many keys an iterator gives; "hold DIR" writes, says so, and waits to be killed.
#include <leveldb/db.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: leveldb_tool count|hold DIR\n";
    return 2;
  }
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::DB* opened = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, argv[2], &opened);
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 1;
  }
  const std::unique_ptr<leveldb::DB> db(opened);
  if (std::string(argv[1]) == "hold") {
    for (int i = 0; i < 1000; i++) {
      db->Put(leveldb::WriteOptions(), "held:" + std::to_string(i), std::string(100, 'x'));
    }
    std::cout << "holding" << std::endl;
    for (;;) pause();
  }
  leveldb::ReadOptions checked;
  checked.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> it(db->NewIterator(checked));
  long keys = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) keys++;
  if (!it->status().ok()) {
    std::cerr << it->status().ToString() << "\n";
    return 1;
  }
  std::cout << keys << "\n";
  return 0;
}
