// SPDX-License-Identifier: Apache-2.0
// A URL of http or https. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::http {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // without brackets
  std::uint16_t port = 0;
  std::string target;             // path and query, at least "/"
  std::string authority() const;  // host[:port], as in Host: no default port
  static Result<Url> parse(std::string_view text);
};

}  // namespace valetkey::http
