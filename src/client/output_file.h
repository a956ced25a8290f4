// SPDX-License-Identifier: Apache-2.0
// Where a result goes. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"

namespace valetkey::client {

// A file that appears under its name when it is whole, or not at all; what stood there before stays
// until then. A device or pipe is written as it is.
class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(const std::filesystem::path& path);
  ~OutputFile();
  Result<void> write(std::string_view bytes);
  Result<void> write_content_of(const std::filesystem::path& file);
  Result<void> finish();

 private:
  OutputFile() = default;
  std::filesystem::path path_, partial_;  // partial_ empty: written in place, or finished
  Result<void> flush();
  FileDescriptor file_;
  std::string waiting_;
};

}  // namespace valetkey::client
