// SPDX-License-Identifier: Apache-2.0
// Made-up rows for bench/scale.cc: an index of parts that no file stands behind, accounts and their tokens; and a store
// that counts what it is asked.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/ids.h"
#include "layout/part_key.h"
#include "sqlite/database.h"
#include "storage/object_store.h"

namespace valetkey::bench {

inline constexpr Date kFirstDay = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

// Of each account, both types.
struct Shape {
  std::uint64_t days = 1;
  std::uint64_t partitions = 1;
  std::uint64_t parts() const { return 2 * days * partitions; }
};

AccountId account_of(std::uint64_t number);
// Of the part of a partition, "experiment=7", from its day.
std::string key_of(std::uint64_t account, layout::RowType type, Date day,
                   const std::string& partition);
// Into an empty index that was made already, in key order, with the sums and the statistics that a part has; each partition of
// a day has one part.
void fill_index(const std::filesystem::path& file, std::uint64_t accounts, const Shape& shape);

// What the token of this number is stored as.
std::string digest_of_token(std::uint64_t number);
void fill_control(sql::Database& database, std::uint64_t accounts, std::uint64_t tokens_each);

class CountingStore final : public storage::ObjectStore {
 public:
  explicit CountingStore(storage::ObjectStore& inner) : inner_(inner) {}
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }
  void forget() { counts_.clear(); }

  const std::string& bucket() const override { return inner_.bucket(); }
  storage::Capabilities capabilities() const override { return inner_.capabilities(); }
  Result<storage::ObjectInfo> head(std::string_view key) override {
    ++counts_["heads"];
    return inner_.head(key);
  }
  Result<std::unique_ptr<storage::ObjectReader>> open(std::string_view key) override {
    ++counts_["gets"];
    return inner_.open(key);
  }
  std::optional<Result<std::unique_ptr<storage::ObjectReader>>> open_cached(
      std::string_view key) override {
    return inner_.open_cached(key);
  }
  Result<storage::ListPage> list(const storage::ListQuery& query) override {
    ++counts_["lists"];
    return inner_.list(query);
  }
  Result<std::unique_ptr<storage::ObjectWriter>> create(std::string_view key,
                                                        Timestamp now) override {
    ++counts_["puts"];
    return inner_.create(key, now);
  }
  Result<void> publish(storage::Publication publication) override {
    counts_["removals"] += publication.remove.size() + publication.unlist.size();
    return inner_.publish(std::move(publication));
  }
  std::filesystem::path scratch() const override { return inner_.scratch(); }
  std::uint64_t generation() const override { return inner_.generation(); }

 private:
  storage::ObjectStore& inner_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace valetkey::bench
