// A database owner for the tests, and the judge of captured copies: the real engine (Debian's libleveldb), never BackupApi's own reader.
//
//   leveldb_writer write  DIR COUNTERFILE [fill MB] [pause us] [buffer KB] [seconds] [reopen every N batches]
//       Writes batches as fast as it can (or with a pause) until stdin closes or the time is over. In every batch:
//         seq        the number of this batch
//         ledger/N   one entry for each batch, none left out; entries older than the newest 20000 are deleted
//         left, right  two keys that always agree
//         data/K     random overwrites, so that compactions have work to do
//       After each batch its number is stored in COUNTERFILE, which is mapped: 8 bytes, this machine's order.
//   leveldb_writer check  DIR      opens with paranoid checks, verifies all of that, prints "seq S first F keys K" or exits with 1 and says why
//   leveldb_writer count  DIR      opens with paranoid checks, prints "keys K"
//   leveldb_writer fill   DIR MB VALUEBYTES [none|snappy]   a quiet database of a given size, for measurements
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "leveldb/cache.h"
#include "leveldb/db.h"
#include "leveldb/filter_policy.h"
#include "leveldb/write_batch.h"

namespace {

constexpr uint64_t kLedgerLength = 20000;
constexpr int kDataKeys = 200000;

[[noreturn]] void Fail(const std::string& why) {
  printf("%s\n", why.c_str());
  fflush(stdout);
  _exit(1);
}

void Must(const leveldb::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

std::string Numbered(const char* space, uint64_t number) {
  char text[64];
  snprintf(text, sizeof text, "%s/%016llu", space, static_cast<unsigned long long>(number));
  return text;
}

std::string RandomText(std::mt19937_64& random, size_t length) {
  std::string text(length, ' ');
  // Half random, half repeated: compresses to about a half.
  for (size_t i = 0; i < length; i++) text[i] = i % 2 ? 'x' : static_cast<char>(random() & 0xff);
  return text;
}

leveldb::DB* Open(const std::string& dir, leveldb::Options options) {
  leveldb::DB* db = nullptr;
  Must(leveldb::DB::Open(options, dir, &db));
  return db;
}

int Write(int argc, char** argv) {
  const std::string dir = argv[2];
  const int fill_mb = argc > 4 ? atoi(argv[4]) : 4;
  const int pause_us = argc > 5 ? atoi(argv[5]) : 0;
  const int buffer_kb = argc > 6 ? atoi(argv[6]) : 128;
  const int seconds = argc > 7 ? atoi(argv[7]) : 60;
  const uint64_t reopen_every = argc > 8 ? strtoull(argv[8], nullptr, 10) : 0;

  int counter_file = open(argv[3], O_RDWR | O_CREAT, 0600);
  if (counter_file < 0 || ftruncate(counter_file, 8) != 0) Fail("no counter file");
  auto* counter = static_cast<std::atomic<uint64_t>*>(mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, counter_file, 0));

  std::unique_ptr<const leveldb::FilterPolicy> bloom(leveldb::NewBloomFilterPolicy(10));
  leveldb::Options options;
  options.create_if_missing = true;
  options.filter_policy = bloom.get();
  options.write_buffer_size = static_cast<size_t>(buffer_kb) << 10;
  options.max_file_size = 1 << 20;
  leveldb::DB* db = Open(dir, options);

  std::mt19937_64 random(42);
  const int value_bytes = 200;
  for (int written = 0; written < fill_mb * 1024;) {
    leveldb::WriteBatch batch;
    for (int i = 0; i < 100; i++, written++) batch.Put(Numbered("fill", written), RandomText(random, 1000));
    Must(db->Write(leveldb::WriteOptions(), &batch));
  }

  printf("ready\n");
  fflush(stdout);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  pollfd input{0, POLLIN | POLLHUP, 0};
  for (uint64_t seq = 1;; seq++) {
    leveldb::WriteBatch batch;
    const std::string number = std::to_string(seq);
    batch.Put("seq", number);
    batch.Put("left", number + RandomText(random, 50));
    batch.Put("right", number);
    batch.Put(Numbered("ledger", seq), number);
    if (seq > kLedgerLength) batch.Delete(Numbered("ledger", seq - kLedgerLength));
    for (int i = 0; i < 5; i++) batch.Put(Numbered("data", random() % kDataKeys), RandomText(random, value_bytes));
    Must(db->Write(leveldb::WriteOptions(), &batch));
    counter->store(seq);
    if (reopen_every && seq % reopen_every == 0) {
      delete db;
      db = Open(dir, options);
    }
    if (pause_us) usleep(pause_us);
    if (seq % 16 == 0 && (poll(&input, 1, 0) > 0 || std::chrono::steady_clock::now() > end)) break;
  }
  delete db;
  printf("closed\n");
  return 0;
}

uint64_t Count(leveldb::DB* db) {
  leveldb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  std::unique_ptr<leveldb::Iterator> it(db->NewIterator(read));
  uint64_t keys = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) keys++;
  Must(it->status());
  return keys;
}

std::string Get(leveldb::DB* db, const std::string& key) {
  leveldb::ReadOptions read;
  read.verify_checksums = true;
  std::string value;
  auto status = db->Get(read, key, &value);
  if (!status.ok()) Fail(key + ": " + status.ToString());
  return value;
}

int Check(int, char** argv, bool invariants) {
  leveldb::Options options;
  options.paranoid_checks = true;
  std::unique_ptr<leveldb::DB> db(Open(argv[2], options));
  const uint64_t keys = Count(db.get());
  if (!invariants) {
    printf("keys %llu\n", static_cast<unsigned long long>(keys));
    return 0;
  }

  std::string ignored;
  if (db->Get(leveldb::ReadOptions(), "seq", &ignored).IsNotFound()) {
    printf("seq 0 first 0 keys %llu\n", static_cast<unsigned long long>(keys));
    return 0;
  }

  const uint64_t seq = std::stoull(Get(db.get(), "seq"));
  const std::string number = std::to_string(seq);
  if (Get(db.get(), "right") != number) Fail("right is " + Get(db.get(), "right") + ", seq is " + number);
  if (Get(db.get(), "left").compare(0, number.size(), number) != 0) Fail("left does not agree with seq " + number);

  std::unique_ptr<leveldb::Iterator> it(db->NewIterator(leveldb::ReadOptions()));
  const uint64_t first = seq > kLedgerLength ? seq - kLedgerLength + 1 : 1;
  uint64_t expected = first;
  for (it->Seek("ledger/"); it->Valid() && it->key().starts_with("ledger/"); it->Next(), expected++) {
    if (it->key().ToString() != Numbered("ledger", expected)) Fail("ledger: wanted " + std::to_string(expected) + ", found " + it->key().ToString());
  }
  if (expected != seq + 1) Fail("ledger ends at " + std::to_string(expected - 1) + ", seq is " + number);
  printf("seq %llu first %llu keys %llu\n", static_cast<unsigned long long>(seq), static_cast<unsigned long long>(first), static_cast<unsigned long long>(keys));
  return 0;
}

int Fill(int argc, char** argv) {
  leveldb::Options options;
  options.create_if_missing = true;
  options.compression = argc > 5 && std::string(argv[5]) == "none" ? leveldb::kNoCompression : leveldb::kSnappyCompression;
  std::unique_ptr<const leveldb::FilterPolicy> bloom(leveldb::NewBloomFilterPolicy(10));
  options.filter_policy = bloom.get();
  std::unique_ptr<leveldb::DB> db(Open(argv[2], options));
  std::mt19937_64 random(7);
  const size_t value_bytes = static_cast<size_t>(atoi(argv[4]));
  const uint64_t total = (static_cast<uint64_t>(atoi(argv[3])) << 20) / (value_bytes + 21);
  for (uint64_t written = 0; written < total;) {
    leveldb::WriteBatch batch;
    for (int i = 0; i < 1000 && written < total; i++, written++) {
      batch.Put(Numbered("k", (written * 7919) % total), RandomText(random, value_bytes));
    }
    Must(db->Write(leveldb::WriteOptions(), &batch));
  }
  printf("filled\n");
  return 0;
}

}  // namespace

/* dump DIR: every key and value in hexadecimal, as the engine's iterator gives them. */
int Dump(const char* folder) {
  leveldb::DB* opened = nullptr;
  leveldb::Options options;
  options.paranoid_checks = true;
  if (!leveldb::DB::Open(options, folder, &opened).ok()) return 1;
  leveldb::Iterator* it = opened->NewIterator(leveldb::ReadOptions());
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    for (const unsigned char c : it->key().ToString()) printf("%02X", c);
    printf("\t");
    for (const unsigned char c : it->value().ToString()) printf("%02X", c);
    printf("\n");
  }
  const bool ok = it->status().ok();
  delete it;
  delete opened;
  return ok ? 0 : 1;
}

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  if (verb == "write" && argc > 3) return Write(argc, argv);
  if (verb == "check" || verb == "count") return Check(argc, argv, verb == "check");
  if (verb == "fill" && argc > 4) return Fill(argc, argv);
  if (verb == "dump") return Dump(argv[2]);
  fprintf(stderr, "usage: leveldb_writer write|check|count|fill|dump DIR ...\n");
  return 2;
}
