// SPDX-License-Identifier: Apache-2.0
#include "exporter/postgres_owners.h"

#include <map>
#include <utility>

#include "exporter/internal/sql_ledger_rows.h"
#include "sql/pool.h"

namespace valetkey::exporter {
namespace {

using sql::Database;
using sql::Statement;

// No node: the work is free.
constexpr const char* kTables = R"(
CREATE TABLE export_node (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  started BIGINT NOT NULL,
  seen BIGINT NOT NULL
);
CREATE TABLE export_owner (
  work BIGINT PRIMARY KEY,
  node TEXT COLLATE "C",
  until BIGINT NOT NULL
);
)";
constexpr const char* kFitness = "ALTER TABLE export_node ADD COLUMN fit BIGINT NOT NULL DEFAULT 1";
constexpr milliseconds kLasts = kOwnershipLasts;
constexpr milliseconds kRemembered = std::chrono::hours(24);  // of a node that is gone

Result<std::int64_t> read_time(Database& database) {
  return database.read_integer("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
}

Result<void> note_node(Database& database, const NodeState& self, std::int64_t now) {
  VALETKEY_TRY(Statement note,
               database.prepare("INSERT INTO export_node (id, name, version, started, seen, fit)"
                                " VALUES (?, ?, ?, ?, ?, ?)"
                                " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                                " version = excluded.version, started = excluded.started,"
                                " seen = excluded.seen, fit = excluded.fit"));
  VALETKEY_CHECK(
      note.bind(self.id, self.name, self.version, epoch_ms(self.started), now, self.fit ? 1 : 0)
          .run_later());
  VALETKEY_TRY(Statement old, database.prepare("DELETE FROM export_node WHERE seen < ?"));
  return old.bind(now - kRemembered.count()).run_later();
}

Result<void> note_works(Database& database, const std::vector<Work>& all) {
  VALETKEY_TRY(const auto known, database.read_integer("SELECT count(*) FROM export_owner"));
  if (known >= as_signed(all.size())) return {};
  VALETKEY_TRY(Statement add, database.prepare("INSERT INTO export_owner VALUES (?, NULL, 0)"
                                               " ON CONFLICT (work) DO NOTHING"));
  for (const Work work : all) VALETKEY_CHECK(add.bind(work).run_later());
  return {};
}

Result<void> give_up(Database& database, const std::string& node, const std::vector<Work>& works) {
  VALETKEY_TRY(Statement free, database.prepare("UPDATE export_owner SET node = NULL, until = 0"
                                                " WHERE work = ? AND node = ?"));
  for (const Work work : works) VALETKEY_CHECK(free.bind(work, node).run_later());
  return {};
}

// What ran out, too, where nobody has taken it.
Result<std::int64_t> keep(Database& database, const std::string& node, std::int64_t until) {
  VALETKEY_TRY(Statement kept,
               database.prepare("UPDATE export_owner SET until = ? WHERE node = ?"));
  VALETKEY_CHECK(kept.bind(until, node).run());
  return database.changes();
}

Result<void> take(Database& database, const std::string& node, std::int64_t now,
                  std::int64_t most) {
  VALETKEY_TRY(Statement taken,
               database.prepare("UPDATE export_owner SET node = ?1, until = ?2 WHERE work IN"
                                " (SELECT work FROM export_owner WHERE until <= ?3 ORDER BY work"
                                " LIMIT ?4 FOR UPDATE SKIP LOCKED)"));
  return taken.bind(node, now + kLasts.count(), now, most).run();
}

class PostgresOwners final : public Owners {
 public:
  explicit PostgresOwners(std::shared_ptr<postgres::Server> server)
      : pool_([server] { return server->connect(); }, 1) {}

  Result<Share> renew(const NodeState& self, const std::vector<Work>& all,
                      const std::vector<Work>& given_up) override {
    return sql::write(pool_, [&](Database& database) -> Result<Share> {
      VALETKEY_TRY(const auto now, read_time(database));
      VALETKEY_CHECK(note_node(database, self, now));
      VALETKEY_CHECK(note_works(database, all));
      VALETKEY_CHECK(give_up(database, self.id, given_up));
      VALETKEY_TRY(Statement alive,
                   database.prepare("SELECT count(*), coalesce(sum(fit), 0)::bigint"
                                    " FROM export_node WHERE seen > ?"));
      VALETKEY_CHECK(alive.bind(now - kLasts.count()).step());  // a row, always
      Share share;
      share.most = fair_part(all.size(), as_unsigned(alive.integer(0)),
                             as_unsigned(alive.integer(1)), self.fit);
      VALETKEY_TRY(const auto kept, keep(database, self.id, now + kLasts.count()));
      if (kept < as_signed(share.most))
        VALETKEY_CHECK(take(database, self.id, now, as_signed(share.most) - kept));
      VALETKEY_TRY(Statement owned, database.prepare("SELECT work FROM export_owner WHERE node = ?"
                                                     " ORDER BY work"));
      owned.bind(self.id);
      VALETKEY_CHECK(for_each_row(
          owned, [&](const Statement& row) { share.works.push_back(row.integer(0)); }));
      return share;
    });
  }

  Result<void> leave(const std::string& node) override {
    return sql::write(pool_, [&](Database& database) -> Result<void> {
      VALETKEY_TRY(Statement free, database.prepare("UPDATE export_owner SET node = NULL, until = 0"
                                                    " WHERE node = ?"));
      VALETKEY_CHECK(free.bind(node).run());
      VALETKEY_TRY(Statement gone, database.prepare("DELETE FROM export_node WHERE id = ?"));
      return gone.bind(node).run();
    });
  }

  Result<std::vector<NodeState>> nodes() override {
    return sql::with_connection(pool_, [&](Database& database) -> Result<std::vector<NodeState>> {
      VALETKEY_TRY(const auto now, read_time(database));
      std::map<std::string, std::vector<Work>> works;
      VALETKEY_TRY(Statement owned,
                   database.prepare("SELECT node, work FROM export_owner WHERE until > ?"
                                    " AND node IS NOT NULL ORDER BY work"));
      owned.bind(now);
      VALETKEY_CHECK(for_each_row(owned, [&](const Statement& row) {
        works[std::string(row.text(0))].push_back(row.integer(1));
      }));
      std::vector<NodeState> found;
      VALETKEY_TRY(Statement nodes, database.prepare("SELECT id, name, version, started, seen, fit"
                                                     " FROM export_node ORDER BY name, started"));
      VALETKEY_CHECK(for_each_row(nodes, [&](const Statement& row) {
        std::string id(row.text(0));
        auto held = std::move(works[id]);
        found.push_back({std::move(id), std::string(row.text(1)), std::string(row.text(2)),
                         from_epoch_ms(row.integer(3)), from_epoch_ms(row.integer(4)),
                         row.integer(4) > now - kLasts.count(), row.integer(5) != 0,
                         std::move(held)});
      }));
      return found;
    });
  }

 private:
  sql::Pool<Database> pool_;
};

}  // namespace

Result<std::unique_ptr<Owners>> open_postgres_owners(std::shared_ptr<postgres::Server> server) {
  VALETKEY_CHECK(postgres::migrate(*server, "export owners",
                                   {postgres::Migration{kTables}, postgres::Migration{kFitness}}));
  return std::make_unique<PostgresOwners>(std::move(server));
}

}  // namespace valetkey::exporter
