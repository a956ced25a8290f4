// SPDX-License-Identifier: Apache-2.0
// Listing over ten thousand and over a million keys: a page of 1,000 should cost the same.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/crypto.h"
#include "base/testing/temporary_folder.h"
#include "storage/index.h"

namespace valetkey::storage {
namespace {

std::string key_of(std::size_t i, std::size_t total) {
  return fmt::format(
      "v1/account_id=596780373/type=decisions/date=2020-09-{:02}/experiment={:06}/"
      "part-{:05}-6bfb2530-7428-4aa2-b8b1-8cfc971adcbe.c000.snappy.parquet",
      i * 30 / total + 1, i / 100, i % 100);
}

// An index of so many keys that goes with the program.
class Filled {
 public:
  explicit Filled(std::size_t total) {
    index_ = std::move(*Index::open(folder_.path() / "objects.db", "bucket"));
    for (std::size_t i = 0; i < total;) {
      IndexChange change;
      for (const std::size_t end = std::min(total, i + 10'000); i < end; ++i) {
        IndexRow row;
        row.info.key = key_of(i, total);
        row.info.size = 1'000'000;
        row.info.etag = std::string(32, 'e');
        row.info.crc32 = 0;
        row.id = ObjectId::make();
        row.data_key = {1, random_bytes(kWrappedKeyBytes)};
        change.add.push_back(std::move(row));
      }
      bool undecided = false;
      if (!index_->commit(change, [](const auto&) { return Result<void>(); }, undecided))
        std::abort();
    }
  }
  static Index& of(std::size_t total) {
    static std::map<std::size_t, Filled> all;
    return *all.try_emplace(total, total).first->second.index_;
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
  std::unique_ptr<Index> index_;
};

void page_of_1000(benchmark::State& state) {
  const auto total = static_cast<std::size_t>(state.range(0));
  Index& index = Filled::of(total);
  ListQuery query;
  query.prefix = "v1/account_id=596780373/";
  std::size_t at = 0;
  while (state.KeepRunning()) {
    at = (at + 77'777) % (total * 9 / 10);
    query.start_after = key_of(at, total);
    const auto page = index.list(query);
    if (!page || page->entries.size() != 1000) state.SkipWithError("not a page of 1000");
  }
}
BENCHMARK(page_of_1000)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void common_prefixes_of_30_days(benchmark::State& state) {
  Index& index = Filled::of(static_cast<std::size_t>(state.range(0)));
  ListQuery query;
  query.prefix = "v1/account_id=596780373/type=decisions/";
  query.delimiter = "/";
  while (state.KeepRunning()) {
    const auto page = index.list(query);
    if (!page || page->entries.size() != 30) state.SkipWithError("not 30 days");
  }
  state.SetItemsProcessed(state.iterations() * 30);
}
BENCHMARK(common_prefixes_of_30_days)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace valetkey::storage
