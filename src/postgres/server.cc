// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>

#include "base/secret.h"
#include "base/secret_file.h"
#include "postgres/database.h"
#include "postgres/internal/errors.h"

namespace valetkey::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// What the installation may change in its string, before it; what it may not, behind it.
struct Keywords {
  std::vector<const char*> names, values;
  void add(const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  }
};

std::string identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

std::vector<std::string> parts_of(const char* list) {
  std::vector<std::string> out;
  std::string_view rest = list == nullptr ? "" : list;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    out.emplace_back(part);
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  return out;
}

// Of a string that was checked. Empty where there is one alone, or none is named.
std::vector<Host> hosts_of(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(url.c_str(), nullptr));
  std::vector<std::string> names, ports;
  for (const PQconninfoOption* one = options.get(); one && one->keyword != nullptr; ++one) {
    if (std::string_view(one->keyword) == "host") names = parts_of(one->val);
    if (std::string_view(one->keyword) == "port") ports = parts_of(one->val);
  }
  std::vector<Host> out;
  for (std::size_t i = 0; i < names.size() && names.size() > 1; ++i)
    out.push_back({names[i], ports.empty() ? "" : ports[std::min(i, ports.size() - 1)]});
  return out;
}

std::string reason_of(pg_conn* connection) {
  std::string why = one_line(PQerrorMessage(connection));
  return why.empty() ? "no host could be reached" : why;
}

}  // namespace

// libpq's own message would quote the string.
Result<void> check_settings(const Settings& settings) {
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(settings.url.c_str(), nullptr));
  if (settings.url.empty() || !options)
    return fail(ErrorCode::invalid,
                "[control] url is no connection string of PostgreSQL: write "
                "postgresql://USER@HOST:5432/DATABASE?sslmode=verify-full");
  for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one)
    if (std::string_view(one->keyword) == "password" && one->val != nullptr && *one->val != '\0')
      return fail(ErrorCode::invalid,
                  "[control] url holds a password, which everybody who sees the configuration "
                  "would have: write it into a file of mode 0600 and name that in [control] "
                  "password_file");
  return {};
}

// libpq takes the first host that takes writes. Where that is a former primary, the others are asked one by one.
Result<std::unique_ptr<Database>> Server::connect() {
  VALETKEY_CHECK(check_settings(settings_));
  VALETKEY_TRY(auto first, open({}));
  const auto current = check_timeline(*first);
  if (current) return first;
  for (const Host& host : hosts_of(settings_.url))
    if (auto other = open(host); other && check_timeline(**other)) return other;
  return std::unexpected(current.error());
}

Result<std::unique_ptr<Database>> Server::open(const Host& only) {
  Keywords keywords;
  keywords.add("connect_timeout", "2");
  keywords.add("tcp_user_timeout", "10000");
  keywords.add("keepalives_idle", "10");
  keywords.add("application_name", "valetkeyd");
  keywords.add("target_session_attrs", "read-write");
  keywords.add("dbname", settings_.url.c_str());
  keywords.add("client_encoding", "UTF8");
  if (!only.name.empty()) keywords.add("host", only.name.c_str());
  if (!only.port.empty()) keywords.add("port", only.port.c_str());
  std::optional<Secret> password;
  std::string text;  // libpq wants a C string
  if (!settings_.password_file.empty()) {
    VALETKEY_TRY(password, read_secret_file(settings_.password_file));
    text = password->reveal();
    keywords.add("password", text.c_str());
  }
  keywords.add(nullptr, nullptr);
  pg_conn* const made = PQconnectdbParams(keywords.names.data(), keywords.values.data(), 1);
  wipe(text);
  if (made == nullptr) return fail(ErrorCode::full, "there is no memory for a connection");
  if (PQstatus(made) != CONNECTION_OK) {
    const std::unique_ptr<pg_conn, CloseConnection> gone(made);
    const std::string why = reason_of(made);
    const bool late = why.find("timeout expired") != std::string::npos;
    const bool refused =
        PQconnectionNeedsPassword(made) == 1 || PQconnectionUsedPassword(made) == 1;
    const char* remedy = "see that it runs, and check [control] url";
    if (late)
      remedy = "see that it runs and is not too busy, and check [control] url";
    else if (refused)
      remedy = "check the user and the password that [control] password_file or a passfile gives";
    return fail(ErrorCode::unavailable,
                fmt::format("PostgreSQL cannot be reached: {}; {}", why, remedy));
  }
  std::unique_ptr<Database> database(new Database(made, settings_.statement_timeout));
  VALETKEY_CHECK(prepare_session(*database));
  return database;
}

Result<void> Server::prepare_session(Database& database) {
  return database.execute(
      fmt::format("SET search_path = {}; SET statement_timeout = {}; SET lock_timeout = {};"
                  "SET idle_in_transaction_session_timeout = 15000; SET client_min_messages = "
                  "warning; SET bytea_output = hex;"
                  "SET default_transaction_isolation = 'read committed';"
                  "SET standard_conforming_strings = on",
                  identifier(settings_.schema), settings_.statement_timeout.count(),
                  settings_.statement_timeout.count()));
}

// The name of the file that a primary writes its log to begins with its timeline, in hex; a promotion begins the next.
Result<void> Server::check_timeline(Database& database) {
  VALETKEY_TRY(sql::Statement query,
               database.prepare("SELECT pg_walfile_name(pg_current_wal_lsn())"));
  VALETKEY_TRY(const bool there, query.step());
  const std::int64_t timeline =
      there ? std::strtoll(std::string(query.text(0).substr(0, 8)).c_str(), nullptr, 16) : 0;
  const std::lock_guard lock(mutex_);
  if (timeline < timeline_) {
    database.lost_ = true;
    return fail(ErrorCode::unavailable,
                fmt::format("{} is on timeline {}, behind timeline {} that was seen: a former "
                            "primary that came back; stop it, and make it a standby",
                            database.name(), timeline, timeline_));
  }
  timeline_ = timeline;
  return {};
}

std::int64_t Server::timeline() const {
  const std::lock_guard lock(mutex_);
  return timeline_;
}

namespace {

struct Formats {
  std::int64_t present = 0;
  std::int64_t least = 0;  // that a program must know to work with the tables
};

Result<void> make_schema(Database& database, const std::string& schema) {
  // Asked first: a user who may only use the schema may not make one.
  VALETKEY_TRY(auto find, database.prepare("SELECT 1 FROM pg_namespace WHERE nspname = ?"));
  VALETKEY_TRY(const bool there, find.bind(schema).step());
  if (!there) VALETKEY_CHECK(database.execute("CREATE SCHEMA " + identifier(schema)));
  VALETKEY_TRY(auto column,
               database.prepare("SELECT 1 FROM information_schema.columns WHERE table_schema = ?"
                                " AND table_name = 'formats' AND column_name = 'least'"));
  VALETKEY_TRY(const bool complete, column.bind(schema).step());
  if (complete) return {};
  return database.execute(
      "CREATE TABLE IF NOT EXISTS formats (store TEXT PRIMARY KEY, format BIGINT NOT NULL);"
      "ALTER TABLE formats ADD COLUMN IF NOT EXISTS least BIGINT NOT NULL DEFAULT 0");
}

Result<Formats> read_formats(Database& database, std::string_view store) {
  VALETKEY_TRY(auto read, database.prepare("SELECT format, least FROM formats WHERE store = ?"));
  VALETKEY_TRY(const bool known, read.bind(store).step());
  return known ? Formats{read.integer(0), read.integer(1)} : Formats{};
}

Result<void> bring_up_to_date(Database& database, std::string_view store, Formats formats,
                              const std::vector<Migration>& migrations) {
  for (auto next = formats.present; next < std::ssize(migrations); ++next) {
    const Migration& migration = migrations.at(static_cast<std::size_t>(next));
    VALETKEY_CHECK(database.execute(migration.statements));
    if (migration.breaks_older) formats.least = next + 1;
  }
  VALETKEY_TRY(auto set,
               database.prepare("INSERT INTO formats (store, format, least) VALUES (?, ?, ?)"
                                " ON CONFLICT (store) DO UPDATE SET"
                                " format = excluded.format, least = excluded.least"));
  return set.bind(store, std::ssize(migrations), formats.least).run();
}

}  // namespace

Result<void> migrate(Server& server, std::string_view store,
                     const std::vector<Migration>& migrations) {
  VALETKEY_TRY(const auto database, server.connect());
  return sql::write(*database, [&]() -> Result<void> {
    // Several nodes may start at once.
    VALETKEY_TRY(auto lock, database->prepare("SELECT pg_advisory_xact_lock(5645382901)"));
    VALETKEY_CHECK(lock.run());
    VALETKEY_CHECK(make_schema(*database, server.settings().schema));
    VALETKEY_TRY(const Formats formats, read_formats(*database, store));
    const auto newest = std::ssize(migrations);
    if (formats.least > newest)
      return fail(ErrorCode::unavailable,
                  fmt::format("the {} in {} has format {}, which programs before format {} cannot "
                              "work with, and this one knows {}; upgrade valetkeyd",
                              store, database->name(), formats.present, formats.least, newest));
    if (formats.present >= newest) return {};
    return bring_up_to_date(*database, store, formats, migrations);
  });
}

}  // namespace valetkey::postgres
