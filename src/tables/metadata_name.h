// SPDX-License-Identifier: Apache-2.0
// The keys below which an account's tables keep Iceberg's metadata. No object lies there: each key says what the
// index is asked for when somebody reads it. Pure. docs/formats.md, "Iceberg metadata".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.h"
#include "base/timestamp.h"
#include "layout/partition.h"

namespace valetkey::tables {

inline constexpr std::string_view kMetadataFolder = "_iceberg/";  // in a type's

// metadata.json as of a generation, first shown at that time.
struct MetadataName {
  std::uint64_t generation = 0;
  Timestamp seen;
  friend bool operator==(const MetadataName&, const MetadataName&) = default;
};
// The list of manifests as of a generation.
struct ListName {
  std::uint64_t generation = 0;
  friend bool operator==(const ListName&, const ListName&) = default;
};
// The `number`th manifest of a spec, of the days that a text begins: "2020-09-14" or "2020-09".
struct ManifestName {
  std::string days;
  std::uint64_t changed = 0;  // the generation that last changed these days
  std::uint64_t parts = 0;    // of these days, in all their manifests
  int spec = 0;
  std::uint64_t number = 0;
  friend bool operator==(const ManifestName&, const ManifestName&) = default;
};

struct MetadataKey {
  AccountId account;
  layout::RowType type = layout::RowType::decisions;
  std::variant<MetadataName, ListName, ManifestName> name;

  std::string str() const;
  // Nothing for any other spelling than str()'s.
  static std::optional<MetadataKey> parse(std::string_view key);
};

// Whether a key lies where no object can: v1/account_id=<id>/type=<type>/_iceberg/…
bool is_metadata_key(std::string_view key);

}  // namespace valetkey::tables
