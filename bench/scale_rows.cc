// SPDX-License-Identifier: Apache-2.0
#include "scale_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "fill.h"
#include "storage/data_key.h"

namespace valetkey::bench {
namespace {

using layout::RowType;

// The index of a production folder has its trigger add a row for each part; this is the same with statistics read.
constexpr const char* kStatistics =
    "INSERT INTO part_statistics SELECT key, id, 0, zeroblob(200) FROM objects"
    " WHERE substr(key, -8) = '.parquet'";

void add_part(sql::Statement& row, const std::string& key, const std::string& id,
              const std::string& md5, const std::string& data_key) {
  must(row.bind(key, sql::Blob{md5}, sql::Blob{id}, sql::Blob{data_key}).run());
}

std::vector<std::string> partitions_of(RowType type, const Shape& shape) {
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < shape.partitions; ++i)
    names.push_back(fmt::format("{}={}", type == RowType::decisions ? "experiment" : "event", i));
  std::ranges::sort(names);
  return names;
}

}  // namespace

AccountId account_of(std::uint64_t number) {
  return must(AccountId::parse(std::to_string(500'000'000 + number)));
}

std::string key_of(std::uint64_t account, RowType type, Date day, const std::string& partition) {
  return layout::day_prefix(account_of(account), type, day) + partition + "/" +
         layout::part_name(0, "6bfb2530-7428-4aa2-b8b1-8cfc971adcbe");
}

void fill_index(const std::filesystem::path& file, std::uint64_t accounts, const Shape& shape) {
  const auto database = must(sqlite::Database::open(file, sqlite::Database::Mode::read_write));
  must(database->execute("PRAGMA synchronous = OFF"));
  std::string trigger;
  {
    auto text =
        must(database->prepare("SELECT sql FROM sqlite_schema WHERE name = 'statistics_insert'"));
    if (!must(text.step())) std::abort();
    trigger = text.text(0);
  }
  must(database->execute("DROP TRIGGER statistics_insert"));
  const std::string md5(16, 'm'), data_key = random_bytes(storage::kWrappedKeyBytes);
  for (std::uint64_t account = 0; account < accounts;) {
    auto writing = must(sql::Transaction::begin(*database));
    auto row = must(database->prepare(
        "INSERT INTO objects (key, added, modified, size, rows, crc32, md5, id, object_key,"
        " data_key) VALUES (?, 1, 1772366400000, 1000000, 1000, 0, ?, ?, 1, ?)"));
    const auto end = std::min(accounts, account + 100);
    for (; account < end; ++account)
      for (const auto type : {RowType::decisions, RowType::events})
        for (std::uint64_t day = 0; day < shape.days; ++day)
          for (const auto& partition : partitions_of(type, shape))
            add_part(row, key_of(account, type, kFirstDay + std::chrono::days(day), partition),
                     random_bytes(16), md5, data_key);
    must(writing.commit());
  }
  must(database->execute(kStatistics));
  must(database->execute(trigger));
  must(database->execute(
      fmt::format("UPDATE state SET objects = objects + {}", accounts * shape.parts())));
}

std::string digest_of_token(std::uint64_t number) {
  const auto digest = sha256(std::to_string(number));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// One user an account, who has all its tokens.
void fill_control(sql::Database& database, std::uint64_t accounts, std::uint64_t tokens_each) {
  auto writing = must(sql::Transaction::begin(database));
  auto account = must(database.prepare(
      "INSERT INTO accounts (id, name, state, created_ms) VALUES (?, 'made up', 'active', 1)"));
  auto user =
      must(database.prepare("INSERT INTO users (id, email, account, role, state, created_ms)"
                            " VALUES (?, ?, ?, 'admin', 'active', 1)"));
  auto token = must(database.prepare(
      "INSERT INTO tokens (id, sha256, account, \"user\", name, scopes, created_ms)"
      " VALUES (?, ?, ?, ?, 'made up', 'export', 1)"));
  for (std::uint64_t i = 0; i < accounts; ++i) {
    const auto id = account_of(i).str();
    const auto owner = fmt::format("usr_{:016}", i);
    must(account.bind(id).run_later());
    must(user.bind(owner, fmt::format("u{}@example.com", i), id).run_later());
    for (std::uint64_t n = i * tokens_each; n < (i + 1) * tokens_each; ++n) {
      const auto digest = digest_of_token(n);
      must(token.bind(fmt::format("tok_{:016}", n), sql::Blob{digest}, id, owner).run_later());
    }
  }
  must(writing.commit());
  must(database.execute("ANALYZE"));
}

}  // namespace valetkey::bench
