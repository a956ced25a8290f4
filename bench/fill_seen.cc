// SPDX-License-Identifier: Apache-2.0
// Makes a data folder that nobody serves remember so many uuids, spread over the last seven days, in files as the
// exporter leaves them of days that are over.
// usage: fill_seen DATA_DIR UUIDS
#include <algorithm>
#include <random>

#include "admin/export_wiring.h"
#include "exporter/seen_name.h"
#include "exporter/seen_uuids.h"
#include "fill.h"

namespace valetkey::bench {
namespace {

constexpr int kDays = 7;
constexpr std::uint64_t kMost = std::uint64_t{64} << 20;  // bytes of a file

std::string digests(std::uint64_t count, std::mt19937_64& random) {
  exporter::Deduplicator digests;
  for (std::uint64_t i = 0; i < count; ++i)
    digests.add({random(), random()}, static_cast<std::uint32_t>(i));
  digests.sort();
  return digests.serialize();
}

exporter::SeenFile add_file(storage::ObjectStore& store, int days_ago, std::uint64_t end,
                            std::uint64_t count, std::mt19937_64& random, Timestamp now) {
  const exporter::SeenFile file{exporter::seen_key(0, end, "bench"),
                                date_of(now) - std::chrono::days(days_ago), count};
  const auto writer = must(store.create(file.key, now));
  must(writer->write(digests(count, random)));
  storage::Publication publication;
  publication.add.push_back(must(writer->finish(std::nullopt)));
  must(store.publish(std::move(publication)));
  return file;
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey;
  using namespace valetkey::bench;
  if (argc != 3) {
    std::fputs("usage: fill_seen DATA_DIR UUIDS\n", stderr);
    return 2;
  }
  const SystemClock clock;
  const auto context = context_of(argv[1], clock);
  const auto keys = must(context.open_keys());
  const auto objects = must(context.open_objects(*keys));
  const auto ledger = must(context.open_ledger());
  const auto count = std::strtoull(argv[2], nullptr, 10);
  std::mt19937_64 random{std::random_device{}()};
  std::vector<exporter::SeenFile> files;
  std::uint64_t end = 0;
  for (int day = kDays; day-- > 0;)
    for (auto left = count / kDays; left > 0; left -= files.back().uuids)
      files.push_back(add_file(*objects, day, ++end,
                               std::min<std::uint64_t>(left, kMost / exporter::kDigestBytes),
                               random, clock.now()));
  must(ledger->replace_seen(must(ledger->take_lease(0)), {}, files));
}
