// SPDX-License-Identifier: Apache-2.0
#include "console/internal/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/strict_json.h"
#include "console/call.h"

namespace valetkey::console {
namespace {

constexpr std::size_t kMaxTextBytes = 2048;

std::string_view view(const boost::json::string& text) { return {text.data(), text.size()}; }

}  // namespace

Answer<Fields> Fields::parse(std::string_view body, std::initializer_list<std::string_view> known) {
  if (body.empty()) return Fields({});
  auto object = api::parse_strict_object(body);
  if (!object) return api::problem(ProblemCode::invalid_request, std::move(object.error()));
  for (const auto& field : *object) {
    const std::string_view name(field.key().data(), field.key().size());
    if (std::ranges::find(known, name) == known.end())
      return api::problem(ProblemCode::invalid_parameter,
                          fmt::format("The field {} is unknown; known are {}.",
                                      api::quote_name(name), fmt::join(known, ", ")));
  }
  return Fields(std::move(*object));
}

bool Fields::has(std::string_view name) const {
  const auto* value = body_.if_contains(name);
  return value != nullptr && !value->is_null();
}

bool Fields::is_null(std::string_view name) const {
  const auto* value = body_.if_contains(name);
  return value != nullptr && value->is_null();
}

Answer<std::string> Fields::text(std::string_view name) const {
  const auto* value = body_.if_contains(name);
  if (value == nullptr || !value->is_string() || value->get_string().empty() ||
      value->get_string().size() > kMaxTextBytes)
    return bad_field(name, fmt::format("\"{}\" must be a text.", name));
  return std::string(view(value->get_string()));
}

Answer<std::optional<std::string>> Fields::optional_text(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  auto read = text(name);
  if (!read) return std::unexpected(read.error());
  return std::move(*read);
}

Answer<Secret> Fields::secret(std::string_view name) const {
  auto read = text(name);
  if (!read) return std::unexpected(read.error());
  return Secret(std::move(*read));
}

Answer<std::int64_t> Fields::integer(std::string_view name, std::int64_t least,
                                     std::int64_t most) const {
  const auto* value = body_.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < least ||
      value->get_int64() > most)
    return bad_field(
        name, fmt::format("\"{}\" must be a whole number from {} to {}.", name, least, most));
  return value->get_int64();
}

}  // namespace valetkey::console
