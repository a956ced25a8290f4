// SPDX-License-Identifier: Apache-2.0
// The first rows of the part that was exported last: data on the screen without any tool. The SQL is
// ours alone; no name that a stranger chose ever reaches it. Thread-safe; blocks.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "console/call.h"
#include "duckdb/database.h"
#include "storage/export_figures.h"
#include "storage/object_store.h"

namespace valetkey::console {

// How DuckDB is opened, to read and write in `folder` alone.
using DuckDbOptions = std::function<Result<duckdb::Options>(const std::filesystem::path& folder)>;

class Preview {
 public:
  // `folder` is this process's own, where plaintext may lie for a moment.
  Preview(storage::ObjectStore& objects, storage::ExportFigures* figures, DuckDbOptions options,
          std::filesystem::path folder)
      : objects_(objects),
        figures_(figures),
        options_(std::move(options)),
        folder_(std::move(folder)) {}
  Answer<Reply> rows(const Call& call);  // ids: type

 private:
  Answer<std::optional<storage::ObjectInfo>> find_latest(const Call& call);
  Result<boost::json::object> read(const storage::ObjectInfo& part);

  storage::ObjectStore& objects_;
  storage::ExportFigures* figures_;
  DuckDbOptions options_;
  std::filesystem::path folder_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace valetkey::console
