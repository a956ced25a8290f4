// SPDX-License-Identifier: Apache-2.0
// Listing: a walk in key order that jumps over whatever lies beneath a common prefix.
#include <algorithm>

#include "storage/index.h"
#include "storage/index_schema.h"
#include "storage/internal/index_parts.h"
#include "storage/internal/index_sums.h"

namespace valetkey::storage {
namespace {

struct Start {
  std::string key;
  bool inclusive = true;
  bool none = false;  // nothing can follow
};

Start start_behind_prefix(const std::string& prefix) {
  std::string key = behind(prefix);
  const bool none = key.empty();
  return {std::move(key), true, none};
}

class Lister {
 public:
  Lister(Database& database, const ListQuery& query, std::int64_t generation)
      : database_(database), query_(query), generation_(generation), end_(behind(query.prefix)) {}

  Result<ListPage> run() {
    Start from = first();
    while (!from.none) {
      VALETKEY_TRY(from, walk(from));
    }
    return std::move(page_);
  }

 private:
  // The common prefix that `key`, which begins with the prefix, rolls up into; empty: none.
  std::string_view common_prefix(std::string_view key) const {
    if (query_.delimiter.empty()) return {};
    const auto at = key.find(query_.delimiter, query_.prefix.size());
    return at == std::string_view::npos ? std::string_view()
                                        : key.substr(0, at + query_.delimiter.size());
  }

  Start first() const {
    if (query_.start_after < query_.prefix) return {query_.prefix};
    if (!query_.start_after.starts_with(query_.prefix)) return {"", true, true};
    // A common prefix that begins start_after does not lie behind it, so all beneath is skipped.
    const std::string_view common = common_prefix(query_.start_after);
    if (!common.empty()) return start_behind_prefix(std::string(common));
    return {query_.start_after, query_.start_after.empty()};
  }

  Result<Statement> seek(const Start& from) {
    // Two statements, because "the text behind this key" would need a NUL inside a text.
    VALETKEY_TRY(Statement rows,
                 database_.prepare(from.inclusive
                                       ? "SELECT " VALETKEY_INFO_COLUMNS
                                         " FROM objects WHERE key >= ? AND key < ? AND added <= ? "
                                         "AND (unlisted IS NULL OR unlisted > ?) ORDER BY key"
                                       : "SELECT " VALETKEY_INFO_COLUMNS
                                         " FROM objects WHERE key > ? AND key < ? AND added <= ? "
                                         "AND (unlisted IS NULL OR unlisted > ?) ORDER BY key"));
    if (end_.empty())  // every text is smaller than any blob
      rows.bind(from.key, Blob{}, generation_, generation_);
    else
      rows.bind(from.key, end_, generation_, generation_);
    return rows;
  }

  // Takes rows until the end or a common prefix; returns where to go on.
  Result<Start> walk(const Start& from) {
    VALETKEY_TRY(Statement rows, seek(from));
    while (true) {
      VALETKEY_TRY(const bool there, rows.step());
      if (!there) return Start{"", true, true};
      if (page_.entries.size() == query_.max_entries) {
        page_.truncated = true;
        return Start{"", true, true};
      }
      const std::string_view common = common_prefix(rows.text(0));
      if (!common.empty()) {
        ListEntry entry;
        entry.is_prefix = true;
        entry.info.key = common;
        page_.entries.push_back(std::move(entry));
        return start_behind_prefix(page_.entries.back().info.key);
      }
      VALETKEY_TRY(ObjectInfo info, read_info(rows));
      page_.entries.push_back({false, std::move(info)});
    }
  }

  Database& database_;
  const ListQuery& query_;
  std::int64_t generation_;
  std::string end_;
  ListPage page_;
};

}  // namespace

std::string behind(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

Result<void> check_generation(Database& database, std::string_view prefix,
                              std::uint64_t generation) {
  VALETKEY_TRY(const IndexState state, read_index_state(database));
  VALETKEY_TRY(const std::uint64_t oldest, read_oldest(database, prefix));
  if (generation >= state.oldest_generation && generation >= oldest &&
      generation <= state.generation)
    return {};
  return fail(ErrorCode::not_found, "that generation of the listing is gone: list from the start");
}

Result<ListPage> Index::list(const ListQuery& query) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const Transaction reading, Transaction::begin(*database, Transaction::Kind::read));
  std::uint64_t generation = query.generation;
  if (generation == 0) {
    VALETKEY_TRY(const IndexState state, read_index_state(*database));
    generation = state.generation;
  } else {
    VALETKEY_CHECK(check_generation(*database, query.prefix, generation));
  }
  ListPage page;
  if (query.max_entries > 0) {
    VALETKEY_TRY(page, Lister(*database, query, static_cast<std::int64_t>(generation)).run());
  }
  page.generation = generation;
  return page;
}

}  // namespace valetkey::storage
