// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "cli/absence.h"
#include "cli/commands.h"
#include "cli/export_path.h"
#include "cli/printable.h"
#include "http/co_try.h"
#include "terminal/output.h"
#include "terminal/size.h"
#include "terminal/width.h"

namespace valetkey::cli {
namespace {

std::string base_of(const client::Grant& grant) { return grant.s3_path(); }

Task<Result<void>> paths(Context& context, const Selection& selection, Streams streams) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  VALETKEY_CO_TRY(auto prefixes, co_await prefixes_of(context, selection));
  VALETKEY_CO_TRY(auto there, co_await look_for(context, prefixes));
  if (std::ranges::find(there, true) == there.end())
    co_return co_await nothing_matches(context, selection);
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    if (there[i]) streams.out << base_of(*grant) << prefixes[i] << '\n';
  co_return Result<void>{};
}

// One line of a listing: an object, or a folder, which has neither of the first two.
struct Listed {
  std::string modified, size, name;
};

// In a window that is too narrow, what can be looked up later is left out before a name is cut.
void print_listed(const std::vector<Listed>& lines, std::ostream& out) {
  const auto window = &out == &std::cout ? terminal::columns_of(STDOUT_FILENO) : std::nullopt;
  constexpr std::size_t kModified = 21, kSize = 11, kLeastName = 24;
  std::size_t widest = 0;
  for (const Listed& line : lines) widest = std::max(widest, terminal::width_of(line.name));
  const std::size_t columns = window.value_or(kModified + kSize + widest);
  const std::size_t name = std::min(widest, kLeastName);
  const bool modified = columns >= kModified + kSize + name;
  const bool size = columns >= kSize + name;
  const std::size_t room = columns - (modified ? kModified : 0) - (size ? kSize : 0);
  for (const Listed& line : lines) {
    if (modified) out << terminal::pad(line.modified, kModified);
    if (size) out << terminal::pad_left(line.size, kSize - 1) << ' ';
    out << terminal::cut_middle(line.name, room) << '\n';
  }
  const std::string left_out = !size ? "modified and size" : !modified ? "modified" : "";
  if (!left_out.empty())
    out << terminal::cut(
               fmt::format("… {} column{} not shown: {}", size ? 1 : 2, size ? "" : "s", left_out),
               columns)
        << '\n';
  if (widest > room)
    out << terminal::cut("… names are cut; `valetkey ls … | cat` has them whole", columns) << '\n';
}

Task<Result<void>> ls(Context& context, const Selection& selection, bool recursive,
                      Streams streams) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  VALETKEY_CO_TRY(auto prefixes, co_await prefixes_of(context, selection));
  std::vector<Listed> lines;
  for (const std::string& prefix : prefixes) {
    client::ListQuery query;
    query.prefix = prefix;
    if (!recursive) query.delimiter = "/";
    VALETKEY_CO_TRY(auto page, co_await context.data().list(query));
    // As `aws s3 ls`: names below what was asked for, or whole where there is more than one, or
    // where it is what a limited token opens of that.
    const bool limit = std::ranges::find(grant->limits, prefix) != grant->limits.end();
    const bool whole = prefixes.size() > 1 || recursive || limit;
    const std::size_t cut = whole ? 0 : prefix.rfind('/') + 1;
    for (const std::string& each : page.common_prefixes)
      lines.push_back({"", "PRE", printable(each.substr(cut))});
    for (const client::ListedObject& each : page.objects)
      lines.push_back({format_iso8601(each.modified), terminal::size_text(each.size),
                       printable(std::string_view(each.key).substr(cut))});
  }
  if (lines.empty()) co_return co_await nothing_matches(context, selection);
  print_listed(lines, streams.out);
  co_return Result<void>{};
}

Task<Result<void>> cat(Context& context, const std::string& typed, Streams streams) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  VALETKEY_CO_TRY(const std::string name, name_in_export(*grant, typed));
  client::ListQuery query;
  query.prefix = name;
  query.max_keys = 1;
  VALETKEY_CO_TRY(auto page, co_await context.data().first_page(query));
  if (page.objects.empty() || page.objects.front().key != name)
    co_return co_await no_such_object(context, name);
  client::ReadQuery read;
  read.name = name;
  read.etag = page.objects.front().etag;
  read.end = page.objects.front().size;
  Md5 md5;
  VALETKEY_CO_TRY(
      const auto facts,
      co_await context.data().read(read, [&streams, &md5](std::string_view bytes) -> Result<void> {
        md5.update(bytes);
        return terminal::write_out(streams.out, bytes);
      }));
  streams.out.flush();
  const auto digest = md5.finish();
  const std::string stated = facts.etag_may_be_md5 ? client::md5_of_etag(read.etag) : "";
  if (!stated.empty() &&
      stated != hex({reinterpret_cast<const char*>(digest.data()), digest.size()}))
    co_return fail(ErrorCode::corrupt,
                   name + " did not arrive as it is, so what was written is wrong: run again");
  co_return Result<void>{};
}

}  // namespace

Result<void> run_paths(Context& context, const Selection& selection, Streams streams) {
  return context.run(paths(context, selection, streams));
}

Result<void> run_ls(Context& context, const Selection& selection, bool recursive, Streams streams) {
  return context.run(ls(context, selection, recursive, streams));
}

Result<void> run_cat(Context& context, const std::string& name, Streams streams) {
  VALETKEY_CHECK(check_part(name));
  return context.run(cat(context, name, streams));
}

}  // namespace valetkey::cli
