// SPDX-License-Identifier: Apache-2.0
// Canonical query and path on arbitrary bytes: canonical forms are stable, and agree with what
// http::parse_query makes of the same text.
#include <algorithm>
#include <cstdlib>

#include "http/message.h"
#include "sigv4/canonical.h"

using namespace valetkey;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::pair<std::string, std::string>> sorted_pairs(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto parameters = http::parse_query(query);
  require(parameters.has_value());
  for (const auto& parameter : *parameters) pairs.emplace_back(parameter.name, parameter.value);
  std::ranges::sort(pairs);
  return pairs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string query = sigv4::canonical_query(text, "");
  require(sigv4::canonical_query(query, "") == query);
  if (http::parse_query(text)) require(sorted_pairs(text) == sorted_pairs(query));
  const std::string path = sigv4::canonical_path(text, sigv4::PathRule::s3);
  require(sigv4::canonical_path(path, sigv4::PathRule::s3) == path);
  require(!sigv4::canonical_path(text, sigv4::PathRule::normalised).contains("//"));
  return 0;
}
