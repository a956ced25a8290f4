// SPDX-License-Identifier: Apache-2.0
#include "api/paths.h"

namespace valetkey::api {
namespace {

std::string_view take_segment(std::string_view& path) {
  const std::string_view segment = path.substr(0, path.find('/', 1));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

bool has_form(std::string_view path, std::string_view pattern, std::vector<std::string_view>& ids) {
  ids.clear();
  if (!pattern.contains('{')) return path == pattern;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (!wanted.starts_with("/{")) {
      if (wanted != given) return false;
      continue;
    }
    if (given.size() < 2 || given.front() != '/') return false;
    ids.push_back(given.substr(1));
  }
  return path.empty() && pattern.empty();
}

std::string_view name_of(http::Method method) {
  if (method == http::Method::post) return "POST";
  if (method == http::Method::delete_) return "DELETE";
  return "GET, HEAD";
}

}  // namespace valetkey::api
