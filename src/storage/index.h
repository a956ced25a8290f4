// SPDX-License-Identifier: Apache-2.0
// The ordered index of objects, objects.db: one row an object, and the generation that every change
// raises. A commit here is what publishes. Thread-safe: each call takes a connection of its own for
// as long as it lasts. Schema: docs/formats.md, "Object index".
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "sqlite/pool.h"
#include "storage/data_key.h"
#include "storage/export_figures.h"
#include "storage/object_id.h"
#include "storage/object_store.h"
#include "storage/part_catalog.h"

namespace valetkey::storage {

struct IndexRow {
  ObjectInfo info;
  ObjectId id;
  WrappedKey data_key;
  std::optional<Timestamp> readable_until;  // only of unlisted rows
  std::optional<layout::PartStatistics> statistics =
      {};  // to be added; never of a row that was read
};
// A stored version that a commit takes out of the index; its file goes after the commit.
struct FormerObject {
  std::string key;
  ObjectId id;
};
struct IndexChange {
  std::vector<IndexRow> add;
  std::vector<std::string> remove;
  std::vector<std::string> unlist;
  Timestamp readable_until;
  std::string erases_of = {};  // as of a Publication
};
struct IndexState {
  std::uint64_t generation = 0;         // of the last change; 1 in a new index
  std::uint64_t oldest_generation = 0;  // that can still be listed
  std::uint64_t objects = 0;            // rows, unlisted ones included
  std::uint64_t bytes = 0;              // of their plain content
};
struct CommitResult {
  std::uint64_t generation = 0;
  std::vector<FormerObject> former;
};

class Index {
 public:
  // Called inside the transaction with what it takes out; an error abandons it.
  using BeforeCommit = std::function<Result<void>(const std::vector<FormerObject>&)>;

  // Makes the file where there is none. `invalid`: a newer format, or made for another bucket.
  static Result<std::unique_ptr<Index>> open(const std::filesystem::path& path,
                                             std::string_view bucket);
  // A copy at rest, whichever bucket it was made for.
  static Result<std::unique_ptr<Index>> open_copy(const std::filesystem::path& path);
  // Leaves one file without a log beside it; nobody else may have it open. The last call.
  Result<void> settle_for_rest();
  Result<IndexState> read_state();
  // Counts up with every change of the file by any process; cheap.
  Result<std::int64_t> read_data_version();
  // nullopt: no such key, or its readable_until has come.
  Result<std::optional<IndexRow>> find(std::string_view key, Timestamp now);
  Result<ListPage> list(const ListQuery& query);
  // As ExportFigures says.
  Result<std::vector<DaySums>> days(std::string_view account);
  Result<std::vector<PartitionSums>> partitions(std::string_view day_prefix, std::string_view after,
                                                std::size_t limit);
  Result<std::optional<ObjectInfo>> latest(std::string_view day_prefix);
  // As PartCatalog says.
  Result<Catalog> catalog(const AccountId& account);
  Result<CatalogPage> list_parts(const AccountId& account, const std::string& prefix,
                                 const std::string& after, std::size_t limit,
                                 std::uint64_t generation);
  Result<UnreadyParts> unready_parts(const AccountId& account, layout::RowType type);
  Result<std::vector<ObjectInfo>> unread_parts(std::size_t limit);
  Result<std::vector<ObjectInfo>> parts_without_microseconds(const std::string& after,
                                                             std::size_t limit);
  Result<std::uint64_t> count_without_microseconds();
  Result<std::uint64_t> describe(const std::vector<ReadPart>& parts);  // the new generation
  // All or nothing, durable when it returns. `undecided` is set where a failure leaves open whether
  // the commit reached the disk: then no file that it names may go.
  Result<CommitResult> commit(const IndexChange& change, const BeforeCommit& before,
                              bool& undecided);
  // Takes out at most `limit` unlisted rows whose readable_until has come.
  Result<CommitResult> sweep(Timestamp now, std::size_t limit, const BeforeCommit& before);

  // Rows in key order behind `after`, unlisted ones included; for check, rewrap and backup.
  // `corrupt` names the first damaged one.
  Result<std::vector<IndexRow>> rows_after(std::string_view after, std::size_t limit);
  // The same for check, which goes on behind a damaged row.
  struct RowsToCheck {
    std::vector<IndexRow> rows;
    std::vector<std::string> damaged;  // what is wrong with each
    std::string last_key;              // to go on behind; unchanged at the end
  };
  Result<RowsToCheck> rows_to_check(std::string_view after, std::size_t limit);
  // Replaces wrapped keys of rows that still hold that object id; one transaction; how many it
  // were.
  Result<std::size_t> rewrap(const std::vector<IndexRow>& rows);
  Result<std::map<std::uint32_t, std::uint64_t>> count_by_object_key();
  // Runs `look` while no process can commit.
  Result<void> with_writer_lock(const std::function<Result<void>()>& look);
  // A consistent copy at `to`, which must not exist.
  Result<void> copy_to(const std::filesystem::path& to);
  // SQLite's own look at the file's structure.
  Result<std::vector<std::string>> check_structure();

 private:
  explicit Index(const std::filesystem::path& path) : pool_(path) {}

  sqlite::Pool pool_;
  std::mutex watch_mutex_;
  std::unique_ptr<sqlite::Database> watch_;  // data_version counts per connection
};

}  // namespace valetkey::storage
