// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people. Pure.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace valetkey::server {

class Table {
 public:
  explicit Table(std::vector<std::string> columns) { rows_.push_back(std::move(columns)); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  // Columns two spaces apart, no spaces at the ends of lines; control characters print as '?'.
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace valetkey::server
