// SPDX-License-Identifier: Apache-2.0
// DuckDB behind a small door: the pinned library, opened when it is first needed (32 MiB),
// hardened, and fed with rows by us. No name that a stranger chose ever reaches SQL or becomes a
// path. The C API is declared here as far as it is used; source: DuckDB's duckdb.h (C API, 1.x,
// stable).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace valetkey::duckdb {

struct Options {
  std::filesystem::path library;  // libduckdb.so
  std::string sha256 = {};        // of the library, hex; empty: not checked
  std::filesystem::path
      folder;  // the only one it may read and write; its spill goes to folder/spill
  std::size_t memory_limit_mib = 512;
  std::size_t max_spill_mib = 4096;
  unsigned threads = 1;
  std::vector<std::string> settings = {};  // statements of ours to run before all is locked
};

class Library;  // the loaded library; lives as long as the process

// A vector of a chunk that a RowFiller fills. Indexes count rows of the chunk, or elements of a
// list.
class ColumnVector {
 public:
  ColumnVector(const Library& library, void* vector);
  void set_null(std::uint64_t row);
  // The text is not copied: it must stay where it is until the statement ends. What is not UTF-8 becomes NULL.
  void set_text(std::uint64_t row, std::string_view text);
  void set_int64(std::uint64_t row, std::int64_t value);
  void set_int32(std::uint64_t row, std::int32_t value);
  void set_double(std::uint64_t row, double value);
  void set_bool(std::uint64_t row, bool value);
  // LIST and MAP: the entry of `row` becomes `count` elements from `offset` of the child.
  void set_list(std::uint64_t row, std::uint64_t offset, std::uint64_t count);
  // Of the child, in all: what list_child() gave before is void.
  void reserve_list(std::uint64_t elements);
  void set_list_size(std::uint64_t elements);     // once the chunk is filled
  ColumnVector list_child() const;                // of a MAP: a STRUCT of key and value
  ColumnVector field(std::uint64_t index) const;  // of a STRUCT

 private:
  const Library* library_;
  void* vector_;
  void* data_;
  std::uint64_t* validity_ = nullptr;  // null until a row is
};

// A chunk being filled: vectors by column, at most `capacity` rows.
class RowChunk {
 public:
  RowChunk(const Library& library, void* chunk) : library_(&library), chunk_(chunk) {}
  ColumnVector column(std::uint64_t index) const;
  std::uint64_t capacity() const;

 private:
  const Library* library_;
  void* chunk_;
};

// A column, as far as exports have them.
struct Column {
  enum class Kind : std::uint8_t {
    text,
    int64,
    int32,
    float64,
    boolean,
    list_of_struct,
    map_of_text
  };
  std::string name;
  Kind kind = Kind::text;
  std::vector<Column> fields = {};  // list_of_struct
};

// Fills the chunk and says how many rows; 0 ends the table. Called from one thread at a time.
using RowFiller = std::function<Result<std::uint64_t>(RowChunk&)>;

struct ResultColumn {
  std::string name;
  bool number = false;
};
// A row of a result whose columns are all text; null where SQL says NULL. Valid until it returns.
using TextRow = std::span<const std::optional<std::string_view>>;
using TextReader = std::function<Result<void>(TextRow)>;

// One in-memory database with one connection. For one thread at a time, but for interrupt().
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database();
  // Runs one statement of ours; the error says what DuckDB said, which may quote data: log it,
  // never send it.
  Result<void> run(const std::string& sql);
  // Makes `name`() a table with these columns, whose rows come from `filler` at each use.
  Result<void> add_table(const std::string& name, const std::vector<Column>& columns,
                         RowFiller filler);

  // What a stranger's SQL would yield. Runs nothing. `invalid`, with DuckDB's words in one
  // sentence, if it is wrong; `denied` unless it is one statement that only reads.
  Result<std::vector<ResultColumn>> check_select(const std::string& sql);
  // Runs one SELECT whose columns are all VARCHAR, handing on rows as they come. The error is the
  // reader's, or says what DuckDB said: it may quote data.
  Result<void> read(const std::string& sql, const TextReader& reader);
  // Ends what runs, soon, with an error. From any thread.
  void interrupt();

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace valetkey::duckdb
