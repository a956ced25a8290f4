// SPDX-License-Identifier: Apache-2.0
#include "exporter/part_publisher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "exporter/parquet_footer.h"

namespace valetkey::exporter {
namespace {
constexpr std::size_t kBlockBytes = 256 << 10;
constexpr std::size_t kGroup = 1000;
}  // namespace

Result<std::uint64_t> PartPublisher::store(const std::string& key, const ParquetFile& part) {
  const auto& file = part.path;
  VALETKEY_TRY(const auto writer, store_.create(key, now_));
  VALETKEY_TRY(const auto fd, open_file(file, O_RDONLY));
  std::string block(kBlockBytes, '\0');
  std::uint64_t size = 0;
  while (true) {
    const auto n = read(fd.get(), block.data(), block.size());
    if (n < 0) return fail_errno(file.string());
    if (n == 0) break;
    size += static_cast<std::uint64_t>(n);
    VALETKEY_CHECK(writer->write(std::string_view(block).substr(0, static_cast<std::size_t>(n))));
  }
  writer->describe(part.statistics);
  VALETKEY_TRY(auto staged, writer->finish(part.rows));
  group_.add.push_back(std::move(staged));
  if (unlink(file.c_str()) != 0) return fail_errno(file.string());
  return size;
}

Result<std::uint64_t> PartPublisher::add(const std::string& key, const ParquetFile& file) {
  VALETKEY_TRY(const auto size, store(key, file));
  if (group_.add.size() >= kGroup) VALETKEY_CHECK(flush());
  return size;
}

Result<void> PartPublisher::add_bytes(const std::string& key, std::string_view bytes) {
  VALETKEY_TRY(const auto writer, store_.create(key, now_));
  VALETKEY_CHECK(writer->write(bytes));
  VALETKEY_TRY(auto staged, writer->finish(std::nullopt));
  group_.add.push_back(std::move(staged));
  return group_.add.size() >= kGroup ? flush() : Result<void>();
}

Result<void> PartPublisher::replace(const std::string& key, const ParquetFile& file,
                                    std::vector<std::string> gone, Timestamp readable_until) {
  VALETKEY_CHECK(flush());
  if (file.rows > 0) VALETKEY_CHECK(store(key, file));
  group_.unlist = std::move(gone);
  group_.readable_until = readable_until;
  return flush();
}

Result<void> PartPublisher::erase(const AccountId& account, const std::string& gone,
                                  const std::string& key, const ParquetFile& rest) {
  VALETKEY_CHECK(flush());
  group_.erases_of = account.str();
  const bool at_once = store_.capabilities().atomic_groups;
  if (rest.rows > 0) VALETKEY_CHECK(store(at_once ? key : gone, rest));
  if (at_once || rest.rows == 0) group_.remove = {gone};
  return store_.publish(std::exchange(group_, {}));
}

Result<void> PartPublisher::make_room(std::size_t parts) {
  return group_.add.size() + parts > kGroup ? flush() : Result<void>();
}

Result<void> PartPublisher::flush() {
  if (group_.add.empty() && group_.unlist.empty()) return {};
  return store_.publish(std::exchange(group_, {}));
}

Result<void> for_each_object(storage::ObjectStore& store, const std::string& prefix,
                             const EachObject& each, Listing listing) {
  storage::ListQuery query{prefix, "", "", 1000, 0};
  while (true) {
    VALETKEY_TRY(const auto page, store.list(query));
    for (const auto& entry : page.entries) VALETKEY_CHECK(each(entry.info));
    if (!page.truncated || page.entries.empty()) return {};
    query.start_after = page.entries.back().info.key;
    if (listing == Listing::as_it_was) query.generation = page.generation;
  }
}

Result<void> for_each_object_before(storage::ObjectStore& store, const std::string& prefix,
                                    const std::string& end, const EachObject& each) {
  storage::ListQuery query{prefix, "", "", 1000, 0};
  while (true) {
    VALETKEY_TRY(const auto page, store.list(query));
    for (const auto& entry : page.entries) {
      if (entry.info.key >= end) return {};
      VALETKEY_CHECK(each(entry.info));
    }
    if (!page.truncated || page.entries.empty()) return {};
    query.start_after = page.entries.back().info.key;
    query.generation = page.generation;
  }
}

Result<void> remove_objects(storage::ObjectStore& store, std::vector<std::string> keys,
                            const std::string& erases_of) {
  while (!keys.empty()) {
    const auto count = std::min(kGroup, keys.size());
    storage::Publication removal;
    removal.erases_of = erases_of;
    const auto begin = keys.end() - static_cast<std::ptrdiff_t>(count);
    removal.remove.assign(std::make_move_iterator(begin), std::make_move_iterator(keys.end()));
    keys.erase(begin, keys.end());
    VALETKEY_CHECK(store.publish(std::move(removal)));
  }
  return {};
}

std::string successor_key(const std::string& folder, std::string_view origin) {
  const auto digits = sha256_hex(origin);
  const auto uuid = fmt::format("{}-{}-8{}-8{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                                digits.substr(13, 3), digits.substr(17, 3), digits.substr(20, 12));
  return folder + layout::part_name(0, uuid);
}

Result<std::uint64_t> rows_of(const storage::ObjectInfo& part, const std::filesystem::path& file) {
  if (part.rows) return *part.rows;
  VALETKEY_TRY(const auto fd, open_file(file, O_RDONLY));
  return count_parquet_rows(part.size, [&](std::uint64_t at, std::span<char> out) {
    return read_exactly(fd.get(), at, out, part.key);
  });
}

// Only what is damaged is called so: what fails for the moment is tried again.
std::unexpected<Error> fail_read(storage::ReadFailure why, const std::string& key) {
  if (why == storage::ReadFailure::corrupt)
    return fail(ErrorCode::corrupt, key + " cannot be read; run check");
  if (why == storage::ReadFailure::changed)
    return fail(ErrorCode::busy, key + " was replaced while it was read");
  return fail(ErrorCode::io, key + " could not be read");
}

Result<void> read_object_exactly(storage::ObjectReader& reader, std::uint64_t offset,
                                 std::span<char> out) {
  while (!out.empty()) {
    const auto got = reader.read(offset, out, storage::ReadMode::blocking);
    if (!got) return fail_read(got.error(), reader.info().key);
    if (*got == 0) return fail(ErrorCode::corrupt, reader.info().key + " is shorter than it says");
    offset += *got;
    out = out.subspan(*got);
  }
  return {};
}

Result<void> fetch_object(storage::ObjectStore& store, const std::string& key,
                          const std::filesystem::path& file) {
  VALETKEY_TRY(const auto reader, store.open(key));
  VALETKEY_TRY(const auto fd, open_file(file, O_WRONLY | O_CREAT | O_EXCL));
  std::string block(kBlockBytes, '\0');
  for (std::uint64_t at = 0; at < reader->info().size;) {
    const auto read = reader->read(at, block, storage::ReadMode::blocking);
    if (!read || *read == 0)
      return fail_read(read ? storage::ReadFailure::corrupt : read.error(), key);
    VALETKEY_CHECK(write_all(fd.get(), std::string_view(block).substr(0, *read), file.string()));
    at += *read;
  }
  return {};
}

}  // namespace valetkey::exporter
