// SPDX-License-Identifier: Apache-2.0
#include "duckdb/database.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "duckdb/internal/api.h"

namespace valetkey::duckdb {

Result<void> Library::resolve(void* handle) {
// NOLINTBEGIN(bugprone-macro-parentheses): these are types and names, not expressions.
#define X(result, name, arguments)                                               \
  name = reinterpret_cast<result(*) arguments>(dlsym(handle, "duckdb_" #name));  \
  if (name == nullptr)                                                           \
    return fail(ErrorCode::unavailable, "the DuckDB library lacks duckdb_" #name \
                                        "; install the version that Valetkey ships with");
  VALETKEY_DUCKDB_FUNCTIONS(X)
#undef X
  // NOLINTEND(bugprone-macro-parentheses)
  return {};
}

namespace {

Result<std::string> digest_of(const std::filesystem::path& path) {
  VALETKEY_TRY(const auto fd, open_file(path, O_RDONLY));
  Sha256 digest;
  std::string block(1 << 20, '\0');
  const auto size = std::filesystem::file_size(path);
  for (std::uint64_t at = 0; at < size; at += block.size()) {
    const std::span piece(block.data(), std::min<std::uint64_t>(block.size(), size - at));
    VALETKEY_CHECK(read_exactly(fd.get(), at, piece, path.string()));
    digest.update({piece.data(), piece.size()});
  }
  return hex(as_text(digest.finish()));
}

}  // namespace

Result<const Library*> Library::load(const Options& options) {
  static std::mutex mutex;
  const std::lock_guard guard(mutex);
  if (slot()) return slot().get();
  if (!options.sha256.empty()) {
    VALETKEY_TRY(const auto digest, digest_of(options.library));
    if (digest != options.sha256)
      return fail(ErrorCode::denied, options.library.string() +
                                         " is not the DuckDB library that Valetkey is pinned to");
  }
  void* handle = dlopen(options.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return fail(ErrorCode::unavailable,
                fmt::format("the DuckDB library cannot be loaded: {}", dlerror()));
  auto library = std::make_unique<Library>();
  VALETKEY_CHECK(library->resolve(handle));
  slot() = std::move(library);
  return slot().get();
}

// --- vectors ---

ColumnVector::ColumnVector(const Library& library, void* vector)
    : library_(&library), vector_(vector), data_(library.vector_get_data(vector)) {}
void ColumnVector::set_null(std::uint64_t row) {
  if (validity_ == nullptr) {
    library_->vector_ensure_validity_writable(vector_);
    validity_ = library_->vector_get_validity(vector_);
  }
  validity_[row / 64] &= ~(std::uint64_t{1} << row % 64);
}
void ColumnVector::set_text(std::uint64_t row, std::string_view text) {
  if (!is_utf8(text) || text.size() > std::numeric_limits<std::uint32_t>::max())
    return set_null(row);
  static_cast<StringEntry*>(data_)[row] = StringEntry::of(text);
}
void ColumnVector::set_int64(std::uint64_t row, std::int64_t value) {
  static_cast<std::int64_t*>(data_)[row] = value;
}
void ColumnVector::set_int32(std::uint64_t row, std::int32_t value) {
  static_cast<std::int32_t*>(data_)[row] = value;
}
void ColumnVector::set_double(std::uint64_t row, double value) {
  static_cast<double*>(data_)[row] = value;
}
void ColumnVector::set_bool(std::uint64_t row, bool value) {
  static_cast<bool*>(data_)[row] = value;
}
void ColumnVector::set_list(std::uint64_t row, std::uint64_t offset, std::uint64_t count) {
  static_cast<ListEntry*>(data_)[row] = {offset, count};
}
void ColumnVector::reserve_list(std::uint64_t elements) {
  library_->list_vector_reserve(vector_, elements);
}
void ColumnVector::set_list_size(std::uint64_t elements) {
  library_->list_vector_set_size(vector_, elements);
}
ColumnVector ColumnVector::list_child() const {
  return {*library_, library_->list_vector_get_child(vector_)};
}
ColumnVector ColumnVector::field(std::uint64_t index) const {
  return {*library_, library_->struct_vector_get_child(vector_, index)};
}
ColumnVector RowChunk::column(std::uint64_t index) const {
  return {*library_, library_->data_chunk_get_vector(chunk_, index)};
}
std::uint64_t RowChunk::capacity() const { return library_->vector_size(); }

// --- the database ---

namespace {

// Owned by the caller.
Handle make_type(const Library& library, const Column& column) {
  using Kind = Column::Kind;
  switch (column.kind) {
    case Kind::text:
      return library.create_logical_type(kVarchar);
    case Kind::int64:
      return library.create_logical_type(kBigint);
    case Kind::int32:
      return library.create_logical_type(kInteger);
    case Kind::float64:
      return library.create_logical_type(kDouble);
    case Kind::boolean:
      return library.create_logical_type(kBoolean);
    case Kind::map_of_text: {
      Handle text = library.create_logical_type(kVarchar);
      Handle map = library.create_map_type(text, text);
      library.destroy_logical_type(&text);
      return map;
    }
    case Kind::list_of_struct:
      break;
  }
  std::vector<Handle> types;
  std::vector<const char*> names;
  for (const auto& field : column.fields) {
    types.push_back(make_type(library, field));
    names.push_back(field.name.c_str());
  }
  Handle item = library.create_struct_type(types.data(), names.data(), types.size());
  Handle list = library.create_list_type(item);
  library.destroy_logical_type(&item);
  for (auto& each : types) library.destroy_logical_type(&each);
  return list;
}

void bind_table(Handle info) {
  const auto& library = *Library::loaded();
  const auto& table = *static_cast<Table*>(library.bind_get_extra_info(info));
  for (const auto& column : table.columns) {
    Handle type = make_type(library, column);
    library.bind_add_result_column(info, column.name.c_str(), type);
    library.destroy_logical_type(&type);
  }
}
void init_table(Handle info) { Library::loaded()->init_set_max_threads(info, 1); }
void fill_table(Handle info, Handle chunk) {
  const auto& library = *Library::loaded();
  auto& table = *static_cast<Table*>(library.function_get_extra_info(info));
  RowChunk rows(library, chunk);
  const auto filled = table.filler(rows);
  if (!filled) {
    library.function_set_error(info, filled.error().detail.c_str());
    return;
  }
  library.data_chunk_set_size(chunk, *filled);
}

}  // namespace

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}

Database::~Database() {
  if (state_->connection != nullptr) state_->library.disconnect(&state_->connection);
  if (state_->database != nullptr) state_->library.close(&state_->database);
}

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  VALETKEY_TRY(const auto* library, Library::load(options));
  auto database = std::unique_ptr<Database>(new Database(std::make_unique<State>(State{*library})));
  auto& state = *database->state_;
  if (library->open_ext(nullptr, &state.database, nullptr, nullptr) != kSuccess ||
      library->connect(state.database, &state.connection) != kSuccess)
    return fail(ErrorCode::unavailable, "DuckDB cannot open a database in memory");
  const auto spill = options.folder / "spill";
  VALETKEY_CHECK(make_folders(spill));
  for (const auto& statement : options.settings) VALETKEY_CHECK(database->run(statement));
  // The order matters: what the later settings forbid, the earlier ones still do.
  for (const auto& statement :
       {fmt::format("SET memory_limit='{}MiB'", options.memory_limit_mib),
        fmt::format("SET threads={}", options.threads),
        fmt::format("SET temp_directory={}", sql_text(spill.string())),
        fmt::format("SET max_temp_directory_size='{}MiB'", options.max_spill_mib),
        std::string("SET autoinstall_known_extensions=false"),
        std::string("SET autoload_known_extensions=false"),
        std::string("SET allow_community_extensions=false"),
        fmt::format("SET allowed_directories=[{}]", sql_text(options.folder.string() + "/")),
        std::string("SET enable_external_access=false"),
        std::string("SET lock_configuration=true")})
    VALETKEY_CHECK(database->run(statement));
  return database;
}

Result<void> Database::run(const std::string& sql) {
  QueryResult result{};
  const int status = state_->library.query(state_->connection, sql.c_str(), &result);
  std::string error;
  if (status != kSuccess) error = one_sentence(state_->library.result_error(&result));
  state_->library.destroy_result(&result);
  if (status != kSuccess) return fail(ErrorCode::internal, "DuckDB failed: " + error);
  return {};
}

Result<void> Database::add_table(const std::string& name, const std::vector<Column>& columns,
                                 RowFiller filler) {
  const auto& library = state_->library;
  auto& table = state_->tables.emplace_back(Table{library, columns, std::move(filler)});
  Handle function = library.create_table_function();
  library.table_function_set_name(function, name.c_str());
  library.table_function_set_extra_info(function, &table, nullptr);
  library.table_function_set_bind(function, bind_table);
  library.table_function_set_init(function, init_table);
  library.table_function_set_function(function, fill_table);
  const int status = library.register_table_function(state_->connection, function);
  library.destroy_table_function(&function);
  if (status != kSuccess) return fail(ErrorCode::internal, "DuckDB refused the table " + name);
  return {};
}

}  // namespace valetkey::duckdb
