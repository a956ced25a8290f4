// SPDX-License-Identifier: Apache-2.0
// The fields of a request's JSON body, each by its name; what is wrong with one names it. Pure.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "api/problem.h"
#include "base/secret.h"

namespace valetkey::console {

class Fields {
 public:
  // An empty body is an empty object. Refuses names that are not among `known`.
  static api::Answer<Fields> parse(std::string_view body,
                                   std::initializer_list<std::string_view> known);
  bool has(std::string_view name) const;  // and it is not null
  bool is_null(std::string_view name) const;
  api::Answer<std::string> text(std::string_view name) const;  // 1 to 2,048 bytes
  api::Answer<std::optional<std::string>> optional_text(std::string_view name) const;
  api::Answer<Secret> secret(std::string_view name) const;  // never repeated in a message
  api::Answer<std::int64_t> integer(std::string_view name, std::int64_t least,
                                    std::int64_t most) const;

 private:
  explicit Fields(boost::json::object body) : body_(std::move(body)) {}
  boost::json::object body_;
};

}  // namespace valetkey::console
