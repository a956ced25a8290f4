// SPDX-License-Identifier: Apache-2.0
// What a listing means, naively: the measure for the real one in tests and fuzzing.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "storage/object_store.h"

namespace valetkey::storage {

struct ModelPage {
  std::vector<std::string> entries;  // common prefixes marked by a leading '*'
  bool truncated = false;
  friend bool operator==(const ModelPage&, const ModelPage&) = default;
};

inline ModelPage list_naively(const std::vector<std::string>& keys, const ListQuery& query) {
  std::vector<std::string> names;  // '*' last, so that order is by name
  for (const std::string& key : keys) {
    if (!key.starts_with(query.prefix)) continue;
    const auto at = query.delimiter.empty() ? std::string::npos
                                            : key.find(query.delimiter, query.prefix.size());
    std::string name =
        at == std::string::npos ? key + " " : key.substr(0, at + query.delimiter.size()) + "*";
    if (std::string_view(name).substr(0, name.size() - 1) > std::string_view(query.start_after))
      names.push_back(std::move(name));
  }
  std::ranges::sort(names, [](std::string_view a, std::string_view b) {
    return a.substr(0, a.size() - 1) < b.substr(0, b.size() - 1);
  });
  names.erase(std::ranges::unique(names).begin(), names.end());
  ModelPage page;
  page.truncated = query.max_entries > 0 && names.size() > query.max_entries;
  names.resize(std::min(names.size(), query.max_entries));
  for (const std::string& name : names) {
    std::string plain = name.substr(0, name.size() - 1);
    page.entries.push_back(name.back() == '*' ? "*" + plain : plain);
  }
  return page;
}

inline ModelPage as_model(const ListPage& page) {
  ModelPage model;
  model.truncated = page.truncated;
  for (const ListEntry& entry : page.entries)
    model.entries.push_back(entry.is_prefix ? "*" + entry.info.key : entry.info.key);
  return model;
}

}  // namespace valetkey::storage
