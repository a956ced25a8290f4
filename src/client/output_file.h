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
  // A second way to fill it, instead of write(): bytes at any place, in any order.
  Result<FileDescriptor> open_content();
  Result<void> finish();

 private:
  OutputFile() = default;
  std::filesystem::path path_, partial_;  // partial_ empty: written in place, or finished
  FileDescriptor content_;                // what open_content() gave, of a device or pipe
  Result<void> flush();
  Result<void> write_content_of(int from, const std::string& name);
  FileDescriptor file_;
  std::string waiting_;
};

}  // namespace valetkey::client
