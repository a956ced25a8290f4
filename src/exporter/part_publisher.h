// SPDX-License-Identifier: Apache-2.0
// Brings plaintext part files into the object store, and publishes them in groups that the store
// takes at once. For one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "exporter/parquet_writer.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

class PartPublisher {
 public:
  PartPublisher(storage::ObjectStore& store, Timestamp now) : store_(store), now_(now) {}
  // Stores the file under `key` and removes it; returns its size. Visible at the latest after
  // flush().
  Result<std::uint64_t> add(const std::string& key, const ParquetFile& file);
  Result<void> add_bytes(const std::string& key, std::string_view bytes);
  // Visible at once: `key` from the file, unless that has no rows; `gone` no longer listed.
  Result<void> replace(const std::string& key, const ParquetFile& file,
                       std::vector<std::string> gone, Timestamp readable_until);
  // Visible at once: `key` from the file, unless that has no rows; `gone` cannot be read any more, nor the account be
  // listed as it was before. Where a store cannot do that at once, `gone` is replaced under its own key.
  Result<void> erase(const AccountId& account, const std::string& gone, const std::string& key,
                     const ParquetFile& rest);
  // Publishes what was added, unless so many more parts fit into its group.
  Result<void> make_room(std::size_t parts);
  Result<void> flush();

 private:
  Result<std::uint64_t> store(const std::string& key, const ParquetFile& file);
  storage::ObjectStore& store_;
  Timestamp now_;
  storage::Publication group_;
};

// Whether a key is that of a part, and not of _SUCCESS or the like.
inline bool is_part(std::string_view key) { return key.ends_with(".parquet"); }

// As a store was when the listing began; or as each page is, which may show what `each` itself publishes.
enum class Listing : std::uint8_t { as_it_was, as_it_is };
using EachObject = std::function<Result<void>(const storage::ObjectInfo&)>;
// Calls `each` for every object below `prefix`, page by page.
Result<void> for_each_object(storage::ObjectStore& store, const std::string& prefix,
                             const EachObject& each, Listing listing = Listing::as_it_was);
// The same for those of them that sort before `end`: what lies behind it is not listed.
Result<void> for_each_object_before(storage::ObjectStore& store, const std::string& prefix,
                                    const std::string& end, const EachObject& each);

// Removes objects at once, in groups that the store takes. `erases_of`: as of a Publication.
Result<void> remove_objects(storage::ObjectStore& store, std::vector<std::string> keys,
                            const std::string& erases_of = {});

// The key of a part that takes the place of others in their folder. It depends on `origin` alone, which tells what it is
// made of: a repetition overwrites itself.
std::string successor_key(const std::string& folder, std::string_view origin);

std::unexpected<Error> fail_read(storage::ReadFailure why, const std::string& key);
// All of `out`, from there on; fails as fail_read() does, and where the object ends before.
Result<void> read_object_exactly(storage::ObjectReader& reader, std::uint64_t offset,
                                 std::span<char> out);

// As the store tells, else, since a bucket's listing does not, as the copy of it in `file` does.
Result<std::uint64_t> rows_of(const storage::ObjectInfo& part, const std::filesystem::path& file);

// Copies an object's content to a plaintext file.
Result<void> fetch_object(storage::ObjectStore& store, const std::string& key,
                          const std::filesystem::path& file);

}  // namespace valetkey::exporter
