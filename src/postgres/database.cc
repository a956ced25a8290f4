// SPDX-License-Identifier: Apache-2.0
#include "postgres/database.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "base/encoding.h"
#include "postgres/internal/errors.h"
#include "postgres/internal/statement_text.h"

namespace valetkey::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// src/include/catalog/pg_type.dat: they never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;

constexpr std::size_t kMostSent = 200;  // before their answers are read: nobody's buffers fill
// The server ends a statement that takes too long; a server that is gone or frozen does not.
constexpr milliseconds kBeyondTimeout{3'000};

std::string_view field(const PGresult* result, int name) {
  const char* text = PQresultErrorField(result, name);
  return text == nullptr ? "" : text;
}

}  // namespace

void CloseConnection::operator()(pg_conn* connection) const { PQfinish(connection); }
void ClearResult::operator()(pg_result* result) const { PQclear(result); }

class PostgresCursor final : public sql::Cursor {
 public:
  PostgresCursor(Database& database, std::string name, std::string text)
      : database_(&database), name_(std::move(name)), text_(std::move(text)) {}

  void restart() override {
    values_.clear();
    rows_.reset();
    decoded_.clear();
    row_ = -1;
  }
  void bind_integer(int index, std::int64_t value) override {
    at(index) = {std::to_string(value), false, false};
  }
  void bind_text(int index, std::string_view text) override {
    at(index) = {postgres::as_text(text), false, false};
  }
  void bind_blob(int index, std::string_view bytes) override {
    at(index) = {std::string(bytes), true, false};
  }
  void bind_null(int index) override { at(index) = {"", false, true}; }

  Result<bool> step() override {
    if (!rows_) {
      VALETKEY_CHECK(send());
      VALETKEY_TRY(rows_, database_->finish());
    }
    decoded_.clear();
    if (row_ + 1 >= PQntuples(rows_.get())) return false;
    ++row_;
    return true;
  }
  Result<void> run_later() override {
    VALETKEY_CHECK(send());
    if (database_->sent_.size() >= kMostSent) VALETKEY_CHECK(database_->finish());
    return {};
  }

  std::int64_t integer(int column) const override {
    if (is_null(column)) return 0;
    const std::string_view value = raw(column);
    if (PQftype(rows_.get(), column) == kBool) return value == "t" ? 1 : 0;
    std::int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
  }
  std::string_view text(int column) const override {
    if (is_null(column)) return {};
    const std::string_view value = raw(column);
    if (PQftype(rows_.get(), column) != kBytea) return value;
    const auto bytes = unhex(value.substr(2));  // "\x…"
    return decoded_.emplace_back(std::make_unique<std::string>(bytes ? *bytes : ""))
        ->operator std::string_view();
  }
  bool is_null(int column) const override {
    return row_ < 0 || PQgetisnull(rows_.get(), row_, column) != 0;
  }

 private:
  friend class Database;
  struct Value {
    std::string bytes;
    bool binary = false;
    bool null = false;
  };
  Value& at(int index) {
    if (values_.size() < static_cast<std::size_t>(index))
      values_.resize(static_cast<std::size_t>(index), {"", false, true});
    return values_[static_cast<std::size_t>(index) - 1];
  }
  std::string_view raw(int column) const {
    return {PQgetvalue(rows_.get(), row_, column),
            static_cast<std::size_t>(PQgetlength(rows_.get(), row_, column))};
  }
  Result<void> send() {
    PGconn* const to = database_->connection_.get();
    if (!prepared_ && !asked_) {
      VALETKEY_CHECK(database_->note_sent(
          PQsendPrepare(to, name_.c_str(), text_.c_str(), 0, nullptr) == 1, this));
      asked_ = true;
    }
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    for (const Value& value : values_) {
      values.push_back(value.null ? nullptr : value.bytes.c_str());
      lengths.push_back(static_cast<int>(value.bytes.size()));
      formats.push_back(value.binary ? 1 : 0);
    }
    return database_->note_sent(
        PQsendQueryPrepared(to, name_.c_str(), static_cast<int>(values.size()), values.data(),
                            lengths.data(), formats.data(), 0) == 1,
        nullptr);
  }

  Database* database_;
  std::string name_;
  std::string text_;
  bool prepared_ = false;
  bool asked_ = false;  // the preparation was sent, and its answer not read
  std::vector<Value> values_;
  ResultRows rows_;
  mutable std::vector<std::unique_ptr<std::string>> decoded_;
  int row_ = -1;
};

Database::Database(pg_conn* connection, milliseconds statement_timeout)
    : connection_(connection),
      name_(fmt::format("PostgreSQL at {}:{}", PQhost(connection), PQport(connection))),
      longest_answer_(statement_timeout + kBeyondTimeout) {
  // "canceling wait for synchronous replication": a commit that an operator interrupted so is answered as kept, and a
  // promotion would lose it.
  PQsetNoticeReceiver(
      connection,
      [](void* of, const PGresult* notice) {
        if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING")
          static_cast<Database*>(of)->warned_ = true;
      },
      this);
  PQenterPipelineMode(connection);
}

Database::~Database() { statements_.clear(); }

Result<sql::Statement> Database::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end())
    found = statements_
                .emplace(sql, std::make_unique<PostgresCursor>(
                                  *this, fmt::format("s{}", statements_.size()),
                                  numbered_parameters(sql)))
                .first;
  return sql::Statement(*found->second);
}

Result<void> Database::execute(const std::string& script) {
  VALETKEY_CHECK(finish());
  PQexitPipelineMode(connection_.get());
  may_repeat_ = false;
  Result<void> done;
  if (PQsendQuery(connection_.get(), script.c_str()) != 1)
    done = lost(PQerrorMessage(connection_.get()));
  while (!lost_) {
    auto result = next_result();
    if (!result || !*result) break;
    const auto status = PQresultStatus(result->get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && done)
      done = failure(result->get());
  }
  if (lost_) return done ? lost("the connection was lost") : done;
  PQenterPipelineMode(connection_.get());
  return done;
}

Result<void> Database::send(const char* sql) {
  return note_sent(
      PQsendQueryParams(connection_.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1,
      nullptr);
}

Result<void> Database::note_sent(bool sent, PostgresCursor* prepared) {
  if (!sent) return lost(PQerrorMessage(connection_.get()));
  sent_.push_back(prepared);
  return {};
}

// After the first command that fails the server skips the others up to the next sync.
Result<ResultRows> Database::finish() {
  if (lost_) return lost("the connection was lost");
  may_repeat_ = false;
  if (sent_.empty()) return ResultRows();
  if (PQpipelineSync(connection_.get()) != 1) return lost(PQerrorMessage(connection_.get()));
  Result<ResultRows> last;
  for (PostgresCursor* prepares : std::exchange(sent_, {})) {
    if (prepares != nullptr) prepares->asked_ = false;
    VALETKEY_TRY(ResultRows rows, next_result());
    if (!rows) return lost("an answer is missing");
    VALETKEY_TRY(const ResultRows end, next_result());
    const auto status = PQresultStatus(rows.get());
    const bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (fine && prepares != nullptr) prepares->prepared_ = true;
    if (fine && last) {
      last = std::move(rows);
    } else if (!fine && status != PGRES_PIPELINE_ABORTED && last) {
      last = failure(rows.get());
    }
  }
  VALETKEY_TRY(const ResultRows synced, next_result());
  if (PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC) return lost("an answer is missing");
  if (last) changes_ = std::strtoll(PQcmdTuples(last->get()), nullptr, 10);
  return last;
}

Result<ResultRows> Database::next_result() {
  PGconn* const from = connection_.get();
  const auto give_up = steady_clock::now() + longest_answer_;
  while (PQisBusy(from) == 1) {
    const auto left = std::chrono::ceil<milliseconds>(give_up - steady_clock::now());
    if (left <= milliseconds(0)) return lost("it does not answer");
    pollfd wanted{PQsocket(from), POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(left.count())) > 0 && PQconsumeInput(from) != 1)
      return lost(PQerrorMessage(from));
  }
  ResultRows result(PQgetResult(from));
  if (PQstatus(from) == CONNECTION_BAD) return lost(PQerrorMessage(from));
  return result;
}

// Primary messages alone: details and contexts quote what is in the tables.
std::unexpected<Error> Database::failure(const PGresult* result) {
  const std::string_view state = field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) return lost(PQresultErrorMessage(result));
  const Refusal refusal = refusal_of(state);
  if (refusal.move_on) lost_ = true;
  // Nothing says whether a commit that the server's end interrupted was kept.
  may_repeat_ = refusal.may_repeat && !(refusal.move_on && committing_);
  return std::unexpected(statement_error(name_, state, field(result, PG_DIAG_MESSAGE_PRIMARY)));
}

std::unexpected<Error> Database::lost(const std::string& why) {
  lost_ = true;
  may_repeat_ = !committing_;
  return fail(ErrorCode::unavailable,
              fmt::format("{}: {}; {}", name_, one_line(why),
                          committing_ ? "whether the last change was kept is not known: look "
                                        "before you repeat it"
                                      : "see that it runs and can be reached"));
}

Result<void> Database::begin(sql::TransactionKind kind) {
  VALETKEY_CHECK(send(kind == sql::TransactionKind::read
                          ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                          : "BEGIN"));
  open_ = true;
  return {};
}

Result<void> Database::commit() {
  VALETKEY_CHECK(send("COMMIT"));
  committing_ = true;
  warned_ = false;
  auto done = finish();
  if (done && warned_) done = lost("the commit was interrupted");
  committing_ = false;
  if (!done) return std::unexpected(done.error());
  open_ = false;
  if (std::string_view(PQcmdStatus(done->get())) == "COMMIT") return {};
  return fail(ErrorCode::internal, name_ + ": a transaction that failed was not kept");
}

void Database::roll_back() {
  open_ = false;
  if (lost_) return;
  const bool repeat = may_repeat_;
  static_cast<void>(finish());  // what is under way may fail: it does not count any more
  if (!lost_ && send("ROLLBACK")) static_cast<void>(finish());
  may_repeat_ = repeat;
}

}  // namespace valetkey::postgres
