// SPDX-License-Identifier: Apache-2.0
// Puts the files of a folder into a bucket as the exporter does: groups of up to 1,000, published
// together. The credentials come from the environment.
//   put_parts ENDPOINT BUCKET INTERNAL_BUCKET FOLDER
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "bucket/open.h"

using namespace valetkey;

namespace {

Result<std::unique_ptr<storage::StagedObject>> stage(storage::ObjectStore& store,
                                                     const std::filesystem::path& file,
                                                     Timestamp now) {
  VALETKEY_TRY(const auto writer, store.create("parts/" + file.filename().string(), now));
  VALETKEY_TRY(const auto fd, open_file(file, O_RDONLY));
  std::string block(256 << 10, '\0');
  while (true) {
    const auto n = ::read(fd.get(), block.data(), block.size());
    if (n < 0) return fail_errno(file.string());
    if (n == 0) return writer->finish(std::nullopt);
    VALETKEY_CHECK(writer->write(std::string_view(block).substr(0, static_cast<std::size_t>(n))));
  }
}

Result<void> put(storage::ObjectStore& store, const std::filesystem::path& folder, Timestamp now) {
  storage::Publication group;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    VALETKEY_TRY(auto staged, stage(store, entry.path(), now));
    group.add.push_back(std::move(staged));
    if (group.add.size() < storage::kMaxPublishedKeys) continue;
    VALETKEY_CHECK(store.publish(std::exchange(group, {})));
  }
  return store.publish(std::move(group));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const SystemClock clock;
  const auto scratch = std::filesystem::temp_directory_path() / ("put-parts-" + make_uuid());
  const auto store = bucket::open_bucket(
      {.endpoint = argv[1], .bucket = argv[2], .internal_bucket = argv[3]}, scratch,
      [](const char* name) -> const char* { return std::getenv(name); }, clock);
  const auto done = store ? put(**store, argv[4], clock.now()) : std::unexpected(store.error());
  std::filesystem::remove_all(scratch);
  if (done) return 0;
  std::cerr << done.error().detail << '\n';
  return 1;
}
