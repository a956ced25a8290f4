// SPDX-License-Identifier: Apache-2.0
// Reading with SQL that somebody else wrote.
#include <algorithm>

#include "duckdb/internal/api.h"

namespace valetkey::duckdb {

std::string one_sentence(const char* said) {
  std::string text = said == nullptr ? "unknown" : said;
  text.resize(std::min(text.size(), text.find("\n\nLINE ")));
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : c;
  }
  return out;
}

namespace {

constexpr int kSelect = 1;  // duckdb_statement_type

std::unexpected<Error> fail_as_said(const char* said) {
  return fail(ErrorCode::invalid, "DuckDB says: " + one_sentence(said));
}

bool is_number(int type) {
  // From TINYINT to DOUBLE, HUGEINT, DECIMAL, UHUGEINT.
  return (type >= 2 && type <= 11) || type == 16 || type == 19 || type == 32;
}

// One statement of a text that holds just one.
class Statement {
 public:
  explicit Statement(const Library& library) : library_(library) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() {
    if (prepared_ != nullptr) library_.destroy_prepare(&prepared_);
    if (extracted_ != nullptr) library_.destroy_extracted(&extracted_);
  }

  Result<void> prepare(Handle connection, const std::string& sql) {
    if (sql.find('\0') != std::string::npos)
      return fail(ErrorCode::invalid, "the SQL holds a NUL byte");
    const Index count = library_.extract_statements(connection, sql.c_str(), &extracted_);
    if (const char* said = library_.extract_statements_error(extracted_); count == 0 && said)
      return fail_as_said(said);
    if (count != 1)
      return fail(ErrorCode::invalid,
                  "the SQL must be one SELECT (a PIVOT needs its values, with IN)");
    if (library_.prepare_extracted_statement(connection, extracted_, 0, &prepared_) != kSuccess)
      return fail_as_said(library_.prepare_error(prepared_));
    if (library_.prepared_statement_type(prepared_) != kSelect)
      return fail(ErrorCode::denied,
                  "only a SELECT is run: nothing that writes, explains or changes settings");
    return {};
  }
  Handle get() const { return prepared_; }

 private:
  const Library& library_;
  Handle extracted_ = nullptr;
  Handle prepared_ = nullptr;
};

Result<void> hand_on(const Library& library, Handle chunk, const TextReader& reader) {
  struct Vector {
    const StringEntry* entries;
    const std::uint64_t* valid;  // null: all are
  };
  std::vector<Vector> vectors;
  for (Index i = 0; i < library.data_chunk_get_column_count(chunk); ++i) {
    Handle vector = library.data_chunk_get_vector(chunk, i);
    vectors.push_back({static_cast<const StringEntry*>(library.vector_get_data(vector)),
                       library.vector_get_validity(vector)});
  }
  std::vector<std::optional<std::string_view>> row(vectors.size());
  for (Index i = 0; i < library.data_chunk_get_size(chunk); ++i) {
    std::ranges::transform(vectors, row.begin(), [i](const Vector& vector) {
      const bool null = vector.valid && (vector.valid[i / 64] >> (i % 64) & 1) == 0;
      return null ? std::nullopt : std::optional(vector.entries[i].text());
    });
    VALETKEY_CHECK(reader(row));
  }
  return {};
}

}  // namespace

Result<std::vector<ResultColumn>> Database::check_select(const std::string& sql) {
  const auto& library = state_->library;
  Statement statement(library);
  VALETKEY_CHECK(statement.prepare(state_->connection, sql));
  std::vector<ResultColumn> columns(library.prepared_statement_column_count(statement.get()));
  for (Index i = 0; i < columns.size(); ++i) {
    const char* name = library.prepared_statement_column_name(statement.get(), i);
    columns[i].name = name == nullptr ? "" : name;
    library.free(const_cast<char*>(name));
    columns[i].number = is_number(library.prepared_statement_column_type(statement.get(), i));
  }
  return columns;
}

Result<void> Database::read(const std::string& sql, const TextReader& reader) {
  const auto& library = state_->library;
  Statement statement(library);
  VALETKEY_CHECK(statement.prepare(state_->connection, sql));
  QueryResult result{};
  Result<void> done;
  if (library.execute_prepared_streaming(statement.get(), &result) != kSuccess)
    done = fail_as_said(library.result_error(&result));
  while (done) {
    Handle chunk = library.fetch_chunk(result);
    if (chunk == nullptr) {
      const char* said = library.result_error(&result);
      if (said != nullptr && *said != '\0') done = fail_as_said(said);
      break;
    }
    done = hand_on(library, chunk, reader);
    library.destroy_data_chunk(&chunk);
  }
  library.destroy_result(&result);
  return done;
}

void Database::interrupt() { state_->library.interrupt(state_->connection); }

}  // namespace valetkey::duckdb
