// SPDX-License-Identifier: Apache-2.0
// Brings plaintext part files into the object store, and publishes them in groups that the store
// takes at once. For one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

class PartPublisher {
 public:
  PartPublisher(storage::ObjectStore& store, Timestamp now) : store_(store), now_(now) {}
  // Stores the file under `key` and removes it; returns its size. Visible at the latest after
  // flush().
  Result<std::uint64_t> add(const std::string& key, const std::filesystem::path& file,
                            std::uint64_t rows);
  Result<void> add_bytes(const std::string& key, std::string_view bytes);
  // Visible with the next group, all or nothing: `key` from the file, `gone` no longer listed.
  Result<void> replace(const std::string& key, const std::filesystem::path& file,
                       std::uint64_t rows, std::vector<std::string> gone, Timestamp readable_until);
  // Publishes what was added, unless so many more parts fit into its group.
  Result<void> make_room(std::size_t parts);
  Result<void> flush();

 private:
  Result<std::uint64_t> store(const std::string& key, const std::filesystem::path& file,
                              std::uint64_t rows);
  storage::ObjectStore& store_;
  Timestamp now_;
  storage::Publication group_;
};

// Whether a key is that of a part, and not of _SUCCESS or the like.
inline bool is_part(std::string_view key) { return key.ends_with(".parquet"); }

// Calls `each` for every object below `prefix`, page by page, as the store was when it began.
Result<void> for_each_object(storage::ObjectStore& store, const std::string& prefix,
                             const std::function<Result<void>(const storage::ObjectInfo&)>& each);

// Removes objects at once, in groups that the store takes.
Result<void> remove_objects(storage::ObjectStore& store, std::vector<std::string> keys);

std::unexpected<Error> fail_read(storage::ReadFailure why, const std::string& key);

// As the store tells, else, since a bucket's listing does not, as the copy of it in `file` does.
Result<std::uint64_t> rows_of(const storage::ObjectInfo& part, const std::filesystem::path& file);

// Copies an object's content to a plaintext file.
Result<void> fetch_object(storage::ObjectStore& store, const std::string& key,
                          const std::filesystem::path& file);

}  // namespace valetkey::exporter
