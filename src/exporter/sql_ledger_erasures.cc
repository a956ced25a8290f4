// SPDX-License-Identifier: Apache-2.0
// Erasures: who asked, what they took, and what is left of an account that goes.
#include "exporter/internal/sql_ledger_rows.h"
#include "exporter/sql_ledger.h"

namespace valetkey::exporter {
namespace {

using sql::Database;
using sql::Statement;

constexpr std::chrono::days kErasuresKept{1};  // once done: who asked has looked by then

Result<void> forget_notes_of_none(Database& database) {
  return database.execute(
      "DELETE FROM export_erased WHERE erasure NOT IN (SELECT id FROM export_erasure)");
}

}  // namespace

Result<std::int64_t> SqlLedger::request_erasure(const std::string& account,
                                                const std::string& visitor_sha256, Timestamp now) {
  return writing([&](Database& database) -> Result<std::int64_t> {
    VALETKEY_TRY(
        Statement old,
        database.prepare("DELETE FROM export_erasure WHERE rows IS NOT NULL AND asked < ?"));
    VALETKEY_CHECK(old.bind(epoch_ms(now - kErasuresKept)).run());
    VALETKEY_CHECK(forget_notes_of_none(database));
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_erasure (account, visitor_sha256, asked)"
                                  " VALUES (?, ?, ?) RETURNING id"));
    VALETKEY_TRY(const bool there, query.bind(account, visitor_sha256, epoch_ms(now)).step());
    if (!there) return fail(ErrorCode::internal, "the export ledger gave an erasure no number");
    const std::int64_t id = query.integer(0);
    VALETKEY_CHECK(query.run());
    return id;
  });
}

Result<std::optional<AskedErasure>> SqlLedger::next_erasure() {
  return reading([](Database& database) -> Result<std::optional<AskedErasure>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT id, account, visitor_sha256 FROM export_erasure"
                                  " WHERE rows IS NULL ORDER BY id LIMIT 1"));
    VALETKEY_TRY(const bool there, query.step());
    if (!there) return std::nullopt;
    return AskedErasure{query.integer(0), std::string(query.text(1)), std::string(query.text(2))};
  });
}

Result<void> SqlLedger::note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                                    std::uint64_t rows) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(
        Statement query,
        database.prepare("INSERT INTO export_erased (erasure, key, rows) VALUES (?, ?, ?)"
                         " ON CONFLICT (erasure, key) DO UPDATE SET rows = excluded.rows"));
    return query.bind(id, key, as_signed(rows)).run();
  });
}

Result<void> SqlLedger::finish_erasure(const Lease& lease, std::int64_t id,
                                       const std::vector<std::string>& unreadable) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement note,
                 database.prepare("INSERT INTO export_erased (erasure, key) VALUES (?, ?)"
                                  " ON CONFLICT DO NOTHING"));
    for (const auto& key : unreadable) VALETKEY_CHECK(note.bind(id, key).run_later());
    // Once, however often it is finished.
    for (const char* sql :
         {"INSERT INTO export_taken SELECT account, (SELECT coalesce(sum(rows), 0) FROM"
          " export_erased WHERE erasure = export_erasure.id) FROM export_erasure"
          " WHERE id = ? AND rows IS NULL"
          " ON CONFLICT (account) DO UPDATE SET rows = export_taken.rows + excluded.rows",
          "UPDATE export_erasure SET rows = (SELECT coalesce(sum(rows), 0) FROM export_erased"
          " WHERE erasure = export_erasure.id) WHERE id = ?"}) {
      VALETKEY_TRY(Statement query, database.prepare(sql));
      VALETKEY_CHECK(query.bind(id).run());
    }
    return {};
  });
}

Result<std::optional<ErasureResult>> SqlLedger::erased(std::int64_t id) {
  return reading([&](Database& database) -> Result<std::optional<ErasureResult>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT rows FROM export_erasure WHERE id = ?"));
    VALETKEY_TRY(const bool there, query.bind(id).step());
    if (!there || query.is_null(0)) return std::nullopt;
    ErasureResult out{as_unsigned(query.integer(0)), {}};
    VALETKEY_TRY(Statement keys, database.prepare("SELECT key FROM export_erased WHERE erasure = ?"
                                                  " AND rows IS NULL ORDER BY key"));
    VALETKEY_CHECK(for_each_row(
        keys.bind(id), [&](const Statement& row) { out.unreadable.emplace_back(row.text(0)); }));
    return out;
  });
}

Result<void> SqlLedger::note_repeats(const Lease& lease, const RepeatedRows& repeated) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement note,
                 database.prepare("INSERT INTO export_repeat (key, account, rows, events)"
                                  " VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                                  " rows = excluded.rows, events = excluded.events"));
    return note
        .bind(repeated.key, repeated.account, as_signed(repeated.rows), as_signed(repeated.events))
        .run();
  });
}

Result<void> count_repeats(Database& database) {
  for (const char* sql :
       {"INSERT INTO export_taken SELECT account, sum(rows) FROM export_repeat WHERE rows > 0"
        " GROUP BY account ON CONFLICT (account)"
        " DO UPDATE SET rows = export_taken.rows + excluded.rows",
        "UPDATE export_count SET"
        " duplicates = duplicates + (SELECT sum(events) FROM export_repeat"
        "  WHERE export_repeat.account = export_count.account),"
        " events = events - (SELECT sum(events) FROM export_repeat"
        "  WHERE export_repeat.account = export_count.account)"
        " WHERE account IN (SELECT account FROM export_repeat)",
        "DELETE FROM export_repeat"}) {
    VALETKEY_TRY(Statement query, database.prepare(sql));
    VALETKEY_CHECK(query.run());
  }
  return {};
}

Result<std::map<std::string, std::uint64_t>> SqlLedger::erased_rows() {
  return reading([](Database& database) -> Result<std::map<std::string, std::uint64_t>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT account, rows FROM export_taken UNION ALL"
                                  " SELECT account, rows FROM export_repeat"));
    std::map<std::string, std::uint64_t> all;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      all[std::string(row.text(0))] += as_unsigned(row.integer(1));
    }));
    return all;
  });
}

Result<void> SqlLedger::forget_account(const Lease& lease, const std::string& account,
                                       std::int64_t but_erasure) {
  return writing(lease, [&](Database& database) -> Result<void> {
    for (const char* sql : {"DELETE FROM export_count WHERE account = ?",
                            "DELETE FROM export_taken WHERE account = ?",
                            "DELETE FROM export_repeat WHERE account = ?",
                            "DELETE FROM export_run_account WHERE account = ?",
                            "DELETE FROM export_dropped WHERE account = ?",
                            "DELETE FROM export_altered WHERE account = ?"}) {
      VALETKEY_TRY(Statement query, database.prepare(sql));
      VALETKEY_CHECK(query.bind(account).run());
    }
    VALETKEY_TRY(Statement others,
                 database.prepare("DELETE FROM export_erasure WHERE account = ? AND id <> ?"));
    VALETKEY_CHECK(others.bind(account, but_erasure).run());
    return forget_notes_of_none(database);
  });
}

}  // namespace valetkey::exporter
