// SPDX-License-Identifier: Apache-2.0
#include "cli/export_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "layout/part_key.h"

namespace valetkey::cli {
namespace {

constexpr std::array<std::string_view, 3> kSchemes{"s3://", "s3a://", "s3n://"};

std::unexpected<Error> not_opened(const client::Grant& grant, std::string_view typed) {
  return fail(ErrorCode::denied,
              fmt::format("the token opens {} and not {}", grant.s3_path(), typed));
}

Result<std::string> below_account(const client::Grant& grant, std::string_view key,
                                  std::string_view typed) {
  if (key.starts_with(grant.prefix)) return std::string(key.substr(grant.prefix.size()));
  if (std::string(key) + "/" == grant.prefix) return std::string();
  return not_opened(grant, typed);
}

}  // namespace

Result<std::string> name_in_export(const client::Grant& grant, std::string_view typed) {
  for (const std::string_view scheme : kSchemes) {
    if (!typed.starts_with(scheme)) continue;
    const std::string_view path = typed.substr(scheme.size());
    const auto slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) != grant.bucket) return not_opened(grant, typed);
    return below_account(grant, path.substr(std::min(slash + 1, path.size())), typed);
  }
  const std::string_view top = std::string_view(grant.prefix).substr(0, grant.prefix.find('=') + 1);
  if (!top.empty() && typed.starts_with(top)) return below_account(grant, typed, typed);
  const std::string_view first = typed.substr(0, typed.find('/'));
  if (!layout::parse_row_type(first)) return std::string(typed);
  return fmt::format("{}{}{}", layout::kTypeFolder, typed, first.size() == typed.size() ? "/" : "");
}

Result<void> check_part(std::string_view typed) {
  const std::string_view first = typed.substr(0, typed.find('/'));
  const bool remote = std::ranges::any_of(
      kSchemes, [typed](std::string_view scheme) { return typed.starts_with(scheme); });
  if (typed.contains("://") && !remote)
    return fail(ErrorCode::invalid,
                fmt::format("{} is no part of the export: name it as `valetkey paths` does, or "
                            "below the account's folder, such as type=events/",
                            typed));
  if (typed.starts_with('/') || typed.starts_with('~') || first == "." || first == "..")
    return fail(ErrorCode::invalid,
                fmt::format("{} is a path of this machine, not of the export: a folder to write "
                            "to goes behind --output",
                            typed));
  return {};
}

Result<void> check_output(std::string_view output) {
  if (!output.contains("://")) return {};
  return fail(ErrorCode::invalid,
              fmt::format("--output names a file or folder of this machine, and {} is none: "
                          "valetkey only reads from S3",
                          output));
}

}  // namespace valetkey::cli
