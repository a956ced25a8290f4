// SPDX-License-Identifier: Apache-2.0
// The parameters of a query string, each once at most; unknown ones are ignored. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "base/timestamp.h"
#include "http/message.h"

namespace valetkey::console {

class Parameters {
 public:
  static api::Answer<Parameters> parse(std::string_view query);
  std::string text(std::string_view name) const;       // empty: not given
  api::Answer<std::size_t> limit() const;              // 1 to 1000; 100 where it is not given
  api::Answer<Date> day(std::string_view name) const;  // has to be given

 private:
  std::vector<http::QueryParameter> parameters_;
};

}  // namespace valetkey::console
