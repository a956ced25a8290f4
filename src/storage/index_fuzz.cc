// SPDX-License-Identifier: Apache-2.0
// Listing with what strangers ask for: it must answer as the naive model does.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/testing/temporary_folder.h"
#include "storage/index.h"
#include "storage/testing/listing_model.h"

namespace {

using namespace valetkey;
using namespace valetkey::storage;

const std::vector<std::string>& keys() {
  static const std::vector<std::string> all = {
      "a",         "a/",         "a/b",
      "a/b/c",     "a/b/d",      "a//b",
      "aa/b",      "ab",         "b/",
      "b/\x01z",   "b/\x7F",     "\xC3\xA9/x",
      "\xC3\xA9",  "c/c/c/c",    "c/c/d",
      "c-c-c",     "c--",        "v1/a=1/x",
      "v1/a=12/y", "v1/a=123/z", "\xF0\x9F\x98\x80/\xF0\x9F\x98\x80/s"};
  return all;
}

struct Filled {
  TemporaryFolder folder;
  std::unique_ptr<Index> index;

  Filled() {
    index = std::move(*Index::open(folder.path() / "objects.db", "bucket"));
    IndexChange change;
    for (const auto& key : keys()) {
      IndexRow row;
      row.info.key = key;
      row.info.etag = std::string(32, '0');
      row.info.crc32 = 0;
      row.data_key = {1, std::string(kWrappedKeyBytes, 'x')};
      change.add.push_back(std::move(row));
    }
    bool undecided = false;
    if (!index->commit(change, [](const auto&) { return Result<void>(); }, undecided)) std::abort();
  }
};

}  // namespace

// The input: three texts separated by NUL, and the number of entries in its first byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto next = [&] {
    const std::string text(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    return text;
  };
  ListQuery query;
  query.max_entries = data[0] % 32;
  query.prefix = next();
  query.delimiter = next();
  query.start_after = next();
  static const Filled filled;
  const auto page = filled.index->list(query);
  if (!page || as_model(*page) != list_naively(keys(), query)) std::abort();
  return 0;
}
