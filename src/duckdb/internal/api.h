// SPDX-License-Identifier: Apache-2.0
// DuckDB's C API as far as it is used, found in the library when it is loaded. Only this module
// includes this. Source: DuckDB's duckdb.h (C API, 1.x, stable).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "duckdb/database.h"

namespace valetkey::duckdb {

using Handle = void*;
using Index = std::uint64_t;
enum Status : int { kSuccess = 0 };
enum Type : int { kBoolean = 1, kInteger = 4, kBigint = 5, kDouble = 11, kVarchar = 17 };
struct QueryResult {  // duckdb_result
  Index columns, rows, changed;
  void* column_data;
  char* error;
  void* internal;
};
struct ListEntry {  // duckdb_list_entry
  Index offset, length;
};
struct StringEntry {  // duckdb_string_t: up to 12 bytes stand in it, longer ones elsewhere
  static constexpr std::uint32_t kInlined = 12;
  std::uint32_t length;
  char prefix[4];
  union {
    char rest[8];
    const char* elsewhere;
  };
  std::string_view text() const { return {length <= kInlined ? prefix : elsewhere, length}; }
  static StringEntry of(std::string_view text) {
    StringEntry out{};
    out.length = static_cast<std::uint32_t>(text.size());
    const bool inlined = text.size() <= kInlined;
    const auto front = inlined ? text.size() : sizeof out.prefix;
    std::memcpy(reinterpret_cast<char*>(&out) + offsetof(StringEntry, prefix), text.data(), front);
    if (!inlined) out.elsewhere = text.data();
    return out;
  }
};
static_assert(sizeof(StringEntry) == 16);

class Library {
 public:
  // Loaded once per process; the first path counts.
  static Result<const Library*> load(const Options& options);
  // For DuckDB's callbacks, which bring nothing but a handle. Null before load().
  static const Library* loaded() { return slot().get(); }

#define VALETKEY_DUCKDB_FUNCTIONS(X)                                       \
  X(int, open_ext, (const char*, Handle*, Handle, char**))                 \
  X(void, close, (Handle*))                                                \
  X(int, connect, (Handle, Handle*))                                       \
  X(void, disconnect, (Handle*))                                           \
  X(int, create_config, (Handle*))                                         \
  X(int, set_config, (Handle, const char*, const char*))                   \
  X(void, destroy_config, (Handle*))                                       \
  X(int, query, (Handle, const char*, QueryResult*))                       \
  X(const char*, result_error, (QueryResult*))                             \
  X(void, destroy_result, (QueryResult*))                                  \
  X(void, free, (void*))                                                   \
  X(Handle, create_table_function, ())                                     \
  X(void, destroy_table_function, (Handle*))                               \
  X(void, table_function_set_name, (Handle, const char*))                  \
  X(void, table_function_set_extra_info, (Handle, void*, void (*)(void*))) \
  X(void, table_function_set_bind, (Handle, void (*)(Handle)))             \
  X(void, table_function_set_init, (Handle, void (*)(Handle)))             \
  X(void, table_function_set_function, (Handle, void (*)(Handle, Handle))) \
  X(int, register_table_function, (Handle, Handle))                        \
  X(void*, bind_get_extra_info, (Handle))                                  \
  X(void, bind_add_result_column, (Handle, const char*, Handle))           \
  X(void*, init_get_extra_info, (Handle))                                  \
  X(void, init_set_max_threads, (Handle, Index))                           \
  X(void*, function_get_extra_info, (Handle))                              \
  X(void, function_set_error, (Handle, const char*))                       \
  X(Handle, create_logical_type, (int))                                    \
  X(Handle, create_list_type, (Handle))                                    \
  X(Handle, create_map_type, (Handle, Handle))                             \
  X(Handle, create_struct_type, (Handle*, const char**, Index))            \
  X(void, destroy_logical_type, (Handle*))                                 \
  X(Handle, data_chunk_get_vector, (Handle, Index))                        \
  X(void, data_chunk_set_size, (Handle, Index))                            \
  X(Index, vector_size, ())                                                \
  X(void*, vector_get_data, (Handle))                                      \
  X(void, vector_ensure_validity_writable, (Handle))                       \
  X(std::uint64_t*, vector_get_validity, (Handle))                         \
  X(Handle, list_vector_get_child, (Handle))                               \
  X(int, list_vector_set_size, (Handle, Index))                            \
  X(int, list_vector_reserve, (Handle, Index))                             \
  X(Handle, struct_vector_get_child, (Handle, Index))                      \
  X(Index, extract_statements, (Handle, const char*, Handle*))             \
  X(const char*, extract_statements_error, (Handle))                       \
  X(void, destroy_extracted, (Handle*))                                    \
  X(int, prepare_extracted_statement, (Handle, Handle, Index, Handle*))    \
  X(const char*, prepare_error, (Handle))                                  \
  X(void, destroy_prepare, (Handle*))                                      \
  X(int, prepared_statement_type, (Handle))                                \
  X(Index, prepared_statement_column_count, (Handle))                      \
  X(const char*, prepared_statement_column_name, (Handle, Index))          \
  X(int, prepared_statement_column_type, (Handle, Index))                  \
  X(int, execute_prepared_streaming, (Handle, QueryResult*))               \
  X(Handle, fetch_chunk, (QueryResult))                                    \
  X(Index, data_chunk_get_column_count, (Handle))                          \
  X(Index, data_chunk_get_size, (Handle))                                  \
  X(void, destroy_data_chunk, (Handle*))                                   \
  X(void, interrupt, (Handle))

// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration, not an expression
#define X(result, name, arguments) result(*name) arguments = nullptr;
  VALETKEY_DUCKDB_FUNCTIONS(X)
#undef X

 private:
  static std::unique_ptr<Library>& slot() {
    static std::unique_ptr<Library> library;
    return library;
  }
  Result<void> resolve(void* handle);
};

// A table whose rows we fill.
struct Table {
  const Library& library;
  std::vector<Column> columns;
  RowFiller filler;
};

struct Database::State {
  const Library& library;
  Handle database = nullptr;
  Handle connection = nullptr;
  std::deque<Table> tables = {};  // DuckDB keeps pointers to them
};

// DuckDB's message without its picture of the place, on one line.
std::string one_sentence(const char* said);

}  // namespace valetkey::duckdb
