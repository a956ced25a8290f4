// SPDX-License-Identifier: Apache-2.0
#include "control/shared_audit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "control/internal/audit_record.h"
#include "control/internal/audit_segments.h"

namespace valetkey::control {
namespace {

using sql::Database;
using sql::Statement;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
constexpr std::chrono::seconds kPeriod{1};

constexpr const char* kTables = R"(
CREATE TABLE audit (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  outcome TEXT NOT NULL,
  account TEXT,
  actor TEXT NOT NULL,
  subject TEXT NOT NULL,
  client TEXT NOT NULL,
  request_id TEXT NOT NULL,
  count BIGINT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_ms, id);
CREATE INDEX audit_by_account ON audit (account, at_ms, id);
CREATE TABLE audit_copied (
  node TEXT PRIMARY KEY,
  segment TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  link TEXT NOT NULL
);
)";

constexpr const char* kDamaged = R"(
ALTER TABLE audit_copied ADD COLUMN damaged BIGINT NOT NULL DEFAULT 0;
)";

// How far a node's log is copied.
struct Place {
  std::string segment;
  std::uint64_t bytes = 0;
  std::string link = std::string(kNoLink);
};

// One column of many rows, as the text of a PostgreSQL array.
class Column {
 public:
  void add(std::string_view text) {
    begin_element() += '"';
    for (auto odd = text.find_first_of(kQuoted); odd != std::string_view::npos;
         odd = text.find_first_of(kQuoted)) {
      text_.append(text.substr(0, odd)).append({'\\', text[odd]});
      text.remove_prefix(odd + 1);
    }
    text_.append(text) += '"';
  }
  void add(std::int64_t number) { begin_element() += std::to_string(number); }
  void add_null() { begin_element() += "NULL"; }
  std::string_view text() { return text_ += '}'; }  // once, after the last row

 private:
  static constexpr std::string_view kQuoted = "\"\\";
  std::string& begin_element() { return text_ += text_.empty() ? '{' : ','; }
  std::string text_;
};

// Rows of the table as they are sent: column by column.
struct Rows {
  void add(const AuditEvent& event) {
    at.add(epoch_ms(event.at));
    action.add(event.action);
    outcome.add(event.outcome);
    event.account ? account.add(event.account->str()) : account.add_null();
    actor.add(event.actor);
    subject.add(event.subject);
    client.add(event.client);
    request_id.add(event.request_id);
    counts.add(static_cast<std::int64_t>(event.count));
    detail.add(event.detail);
    ++size;
  }
  Column at, action, outcome, account, actor, subject, client, request_id, counts, detail;
  std::size_t size = 0;
};

struct Piece {
  Rows rows;
  Place next;
  std::size_t damaged = 0;
  bool more = false;
};

// The segment that goes on at `place`: the one it is in, or the first after it.
Result<std::optional<Place>> place_to_read(const std::filesystem::path& folder, Place place) {
  VALETKEY_TRY(const auto names, list_segments(folder));
  for (const std::string& name : names) {
    if (name < place.segment) continue;
    if (name != place.segment) return Place{name, 0, std::string(kNoLink)};
    std::error_code unknown;
    if (std::filesystem::file_size(folder / name, unknown) > place.bytes) return place;
  }
  return std::nullopt;
}

void take_line(std::string_view line, Piece& piece) {
  Place& place = piece.next;
  if (place.bytes == 0) {
    auto link = decode_segment_header(line);
    if (!link) ++piece.damaged;
    place.link = link.value_or(std::string(kNoLink));
  } else {
    auto event = decode_record(line, place.link);
    place.link = link_of(line);
    if (event)
      piece.rows.add(*event);
    else
      ++piece.damaged;
  }
  place.bytes += line.size() + 1;
}

// Whole lines alone: a line that is being written has its end the next time.
Result<Piece> read_piece(const std::filesystem::path& folder, const Place& from) {
  Piece piece{.rows = {}, .next = from};
  const auto lock = AuditFolderLock::for_reading(folder);
  if (!lock && lock.error().code == ErrorCode::busy) return std::unexpected(lock.error());
  VALETKEY_TRY(const FileDescriptor file, open_file(folder / from.segment, O_RDONLY | O_NOFOLLOW));
  struct stat found = {};
  if (::fstat(file.get(), &found) != 0) return fail_errno("cannot look at " + from.segment);
  const auto size = static_cast<std::uint64_t>(found.st_size);
  std::string bytes(std::min(size - std::min(size, from.bytes), kMostBytes), '\0');
  VALETKEY_CHECK(read_exactly(file.get(), from.bytes, bytes, from.segment));
  std::string_view rest = bytes;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    take_line(rest.substr(0, end), piece);
    rest.remove_prefix(end + 1);
  }
  piece.more = piece.next.bytes > from.bytes;
  return piece;
}

Result<Place> read_place(Database& database, const std::string& node) {
  // So that there is a row to lock: two processes of a node may begin at once.
  VALETKEY_TRY(Statement begin, database.prepare("INSERT INTO audit_copied VALUES (?, '', 0, ?)"
                                                 " ON CONFLICT (node) DO NOTHING"));
  VALETKEY_CHECK(begin.bind(node, kNoLink).run());
  VALETKEY_TRY(Statement query, database.prepare("SELECT segment, bytes, link FROM audit_copied"
                                                 " WHERE node = ? FOR UPDATE"));
  VALETKEY_TRY(const bool there, query.bind(node).step());
  if (!there) return fail(ErrorCode::internal, "the place of the copied audit is missing");
  return Place{std::string(query.text(0)), static_cast<std::uint64_t>(query.integer(1)),
               std::string(query.text(2))};
}

// All rows by one statement: one for each row costs this process several times as much.
Result<void> insert_rows(Database& database, const std::string& node, Rows& rows) {
  if (rows.size == 0) return {};
  VALETKEY_TRY(Statement add,
               database.prepare("INSERT INTO audit (node, at_ms, action, outcome, account, actor,"
                                " subject, client, request_id, count, detail)"
                                " SELECT ?, * FROM unnest(?::bigint[], ?::text[], ?::text[],"
                                " ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],"
                                " ?::bigint[], ?::text[])"));
  return add
      .bind(node, rows.at.text(), rows.action.text(), rows.outcome.text(), rows.account.text(),
            rows.actor.text(), rows.subject.text(), rows.client.text(), rows.request_id.text(),
            rows.counts.text(), rows.detail.text())
      .run_later();
}

Result<void> insert(Database& database, const std::string& node, Piece& piece) {
  VALETKEY_CHECK(insert_rows(database, node, piece.rows));
  VALETKEY_TRY(Statement move,
               database.prepare("UPDATE audit_copied SET segment = ?2, bytes = ?3, link = ?4,"
                                " damaged = damaged + ?5 WHERE node = ?1"));
  const Place& next = piece.next;
  return move
      .bind(node, next.segment, static_cast<std::int64_t>(next.bytes), next.link,
            static_cast<std::int64_t>(piece.damaged))
      .run();
}

AuditEvent read_event(const Statement& row) {
  AuditEvent event;
  event.at = from_epoch_ms(row.integer(0));
  event.action = row.text(1);
  event.outcome = row.text(2);
  if (const auto text = row.optional_text(3))
    if (auto id = AccountId::parse(*text)) event.account = std::move(*id);
  event.actor = row.text(4);
  event.subject = row.text(5);
  event.client = row.text(6);
  event.request_id = row.text(7);
  event.count = static_cast<std::uint64_t>(row.integer(8));
  event.detail = row.text(9);
  return event;
}

}  // namespace

AuditCopier::AuditCopier(std::filesystem::path folder, std::string node,
                         std::shared_ptr<postgres::Server> server)
    : folder_(std::move(folder)), node_(std::move(node)), server_(std::move(server)) {}

AuditCopier::~AuditCopier() { stop(); }

void AuditCopier::start() {
  thread_ = std::thread([this] { run(); });
}

void AuditCopier::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  copy_all();
}

Result<bool> AuditCopier::copy_some() {
  if (!connection_ || !connection_->usable()) {
    VALETKEY_CHECK(postgres::migrate(
        *server_, "audit log", {postgres::Migration{kTables}, postgres::Migration{kDamaged}}));
    VALETKEY_TRY(connection_, server_->connect());
  }
  return sql::write(*connection_, [&]() -> Result<bool> {
    VALETKEY_TRY(const Place place, read_place(*connection_, node_));
    VALETKEY_TRY(const auto from, place_to_read(folder_, place));
    if (!from) return false;
    VALETKEY_TRY(Piece piece, read_piece(folder_, *from));
    if (!piece.more) return false;
    if (piece.damaged > 0)
      log::error("control", "audit records are damaged and not copied to PostgreSQL",
                 {{"segment", piece.next.segment}, {"records", piece.damaged}});
    VALETKEY_CHECK(insert(*connection_, node_, piece));
    return true;
  });
}

void AuditCopier::copy_all() {
  while (true) {
    const auto copied = copy_some();
    if (!copied && !failing_)
      log::error("control", "the audit log waits on this node's disk: it cannot be copied",
                 {{"why", copied.error().detail}});
    if (copied && failing_) log::info("control", "the audit log is copied again");
    failing_ = !copied;
    if (!copied || !*copied) return;
  }
}

void AuditCopier::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPeriod, [this] { return stopping_; })) {
    lock.unlock();
    copy_all();
    lock.lock();
  }
}

namespace {

constexpr std::int64_t kPageRows = 1000;
constexpr auto kFirst = std::numeric_limits<std::int64_t>::min();
constexpr auto kLast = std::numeric_limits<std::int64_t>::max();

// A record's place in the order in which they are told.
struct Key {
  std::int64_t at = kFirst, id = kFirst;
};

// The newest first, or the oldest, of those that match. What nobody asks for holds for everything.
class Query {
 public:
  Query(const AuditFilter& filter, std::int64_t last_id)
      : since_(filter.since ? epoch_ms(*filter.since) : kFirst),
        until_(filter.until ? epoch_ms(*filter.until) : kLast),
        account_(filter.account ? filter.account->str() : ""),
        action_(filter.action),
        last_id_(last_id) {
    for (const std::string& id : filter.about) about_ += (about_.empty() ? "" : " ") + id;
  }

  // Without the one that `after` is.
  Result<Statement> page(Database& database, const Key& after) const {
    return prepared(database,
                    std::string(kMatching) +
                        " AND (at_ms, id) > (?7, ?8)"
                        " ORDER BY at_ms, id LIMIT ?9",
                    after, kPageRows);
  }
  // The last but so many.
  Result<std::optional<Key>> newest(Database& database, std::size_t count) const {
    VALETKEY_TRY(Statement query, prepared(database,
                                           std::string(kMatching) + " AND (at_ms, id) >= (?7, ?8)"
                                                                    " ORDER BY at_ms DESC, id DESC"
                                                                    " OFFSET ?9 LIMIT 1",
                                           Key(), static_cast<std::int64_t>(count)));
    VALETKEY_TRY(const bool there, query.step());
    if (!there) return std::nullopt;
    return Key{query.integer(0), query.integer(10)};
  }

 private:
  static constexpr const char* kMatching =
      "SELECT at_ms, action, outcome, account, actor, subject, client, request_id, count, detail, "
      "id"
      " FROM audit WHERE at_ms BETWEEN ?1 AND ?2 AND (?3 = '' OR account = ?3)"
      " AND (?4 = '' OR action = ?4 OR starts_with(action, ?4 || '.'))"
      " AND (?5 = '' OR actor = ANY (string_to_array(?5, ' '))"
      " OR subject = ANY (string_to_array(?5, ' '))) AND id <= ?6";
  Result<Statement> prepared(Database& database, const std::string& text, const Key& from,
                             std::int64_t rows) const {
    VALETKEY_TRY(Statement query, database.prepare(text.c_str()));
    query.bind(since_, until_, account_, action_, about_, last_id_, from.at, from.id, rows);
    return query;
  }

  std::int64_t since_, until_;
  std::string account_, action_, about_;
  std::int64_t last_id_;  // of what was there when the reading began
};

}  // namespace

Result<void> read_shared_audit(postgres::Server& server, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each) {
  VALETKEY_TRY(const auto database, server.connect());
  VALETKEY_TRY(const auto there, database->read_integer("SELECT count(to_regclass('audit'))"));
  if (there == 0) return {};  // no node has copied anything yet
  VALETKEY_TRY(const auto last, database->read_integer("SELECT coalesce(max(id), 0) FROM audit"));
  const Query query(filter, last);
  Key after;
  if (filter.newest > 0) {
    VALETKEY_TRY(const auto before, query.newest(*database, filter.newest));
    after = before.value_or(Key());
  }
  while (true) {
    VALETKEY_TRY(Statement page, query.page(*database, after));
    std::int64_t rows = 0;
    while (true) {
      VALETKEY_TRY(const bool more, page.step());
      if (!more) break;
      ++rows;
      after = {page.integer(0), page.integer(10)};
      each(read_event(page));
    }
    if (rows < kPageRows) return {};
  }
}

Result<std::uint64_t> read_shared_damage(postgres::Server& server) {
  VALETKEY_TRY(const auto database, server.connect());
  VALETKEY_TRY(const auto damaged,
               database->read_integer("SELECT CAST(coalesce(sum(damaged), 0) AS BIGINT)"
                                      " FROM audit_copied"));
  return static_cast<std::uint64_t>(damaged);
}

}  // namespace valetkey::control
