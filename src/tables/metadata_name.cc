// SPDX-License-Identifier: Apache-2.0
#include "tables/metadata_name.h"

#include <fmt/format.h>

#include <charconv>

#include "layout/part_key.h"

namespace valetkey::tables {
namespace {

constexpr std::string_view kAvro = ".avro";
constexpr std::string_view kMetadata = ".metadata.json";
// Readers expect a number and a UUID; this one holds the time.
constexpr std::string_view kTimeUuid = "-00000000-0000-8000-8000-";
constexpr std::uint64_t kLatest = 253402300799999;  // 9999-12-31T23:59:59.999Z
// SQLite's and Iceberg's numbers are signed.
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 62;

struct Spelling {
  std::string operator()(const MetadataName& name) const {
    return fmt::format("{:05}{}{:012x}{}", name.generation, kTimeUuid, epoch_ms(name.seen),
                       kMetadata);
  }
  std::string operator()(const ListName& name) const {
    return fmt::format("snap-{}{}", name.generation, kAvro);
  }
  std::string operator()(const ManifestName& name) const {
    return fmt::format("{}-g{}-p{}-s{}-n{}{}", name.days, name.changed, name.parts, name.spec,
                       name.number, kAvro);
  }
};

// Takes a number off the front of `text`, and `behind` after it. Nothing where they are not there.
std::optional<std::uint64_t> take(std::string_view& text, std::string_view behind, int base = 10) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, base);
  if (read.ec != std::errc() || value > kMaxNumber) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (!text.starts_with(behind)) return std::nullopt;
  text.remove_prefix(behind.size());
  return value;
}

std::optional<MetadataName> parse_metadata(std::string_view name) {
  const auto generation = take(name, kTimeUuid);
  const auto seen = generation ? take(name, kMetadata, 16) : std::nullopt;
  if (!seen || *seen > kLatest || !name.empty()) return std::nullopt;
  return MetadataName{*generation, from_epoch_ms(static_cast<std::int64_t>(*seen))};
}

std::optional<ListName> parse_list(std::string_view name) {
  name.remove_prefix(std::min<std::size_t>(name.size(), 5));  // "snap-"
  const auto generation = take(name, kAvro);
  if (!generation || !name.empty()) return std::nullopt;
  return ListName{*generation};
}

std::optional<ManifestName> parse_manifest(std::string_view name) {
  const auto mark = name.find("-g");
  if (mark != 7 && mark != 10) return std::nullopt;
  ManifestName parsed{.days = std::string(name.substr(0, mark))};
  if (!parse_date(mark == 10 ? parsed.days : parsed.days + "-01")) return std::nullopt;
  name.remove_prefix(mark + 2);
  const auto changed = take(name, "-p");
  const auto parts = changed ? take(name, "-s") : std::nullopt;
  const auto spec = parts ? take(name, "-n") : std::nullopt;
  const auto number = spec ? take(name, kAvro) : std::nullopt;
  if (!number || !name.empty() || *spec > 2) return std::nullopt;
  parsed.changed = *changed;
  parsed.parts = *parts;
  parsed.spec = static_cast<int>(*spec);
  parsed.number = *number;
  return parsed;
}

std::optional<std::variant<MetadataName, ListName, ManifestName>> parse_name(
    std::string_view name) {
  if (name.starts_with("snap-")) return parse_list(name);
  if (name.ends_with(kMetadata)) return parse_metadata(name);
  return parse_manifest(name);
}

// What stands behind the folder of metadata, and whose it is.
struct Place {
  AccountId account;
  layout::RowType type;
  std::string_view name;
};
std::optional<Place> place_of(std::string_view key) {
  const auto account = layout::account_in(key);
  if (!account) return std::nullopt;
  for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
    const std::string folder = layout::type_prefix(*account, type) + std::string(kMetadataFolder);
    if (key.starts_with(folder)) return Place{*account, type, key.substr(folder.size())};
  }
  return std::nullopt;
}

}  // namespace

std::string MetadataKey::str() const {
  return layout::type_prefix(account, type) + std::string(kMetadataFolder) +
         std::visit(Spelling(), name);
}

std::optional<MetadataKey> MetadataKey::parse(std::string_view key) {
  const auto place = place_of(key);
  if (!place) return std::nullopt;
  const auto name = parse_name(place->name);
  if (!name) return std::nullopt;
  MetadataKey parsed{place->account, place->type, *name};
  if (parsed.str() != key) return std::nullopt;
  return parsed;
}

bool is_metadata_key(std::string_view key) { return place_of(key).has_value(); }

}  // namespace valetkey::tables
