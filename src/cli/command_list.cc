// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "cli/absence.h"
#include "cli/commands.h"
#include "cli/export_path.h"
#include "cli/printable.h"

namespace valetkey::cli {
namespace {

std::string base_of(const client::Grant& grant) { return grant.s3_path(); }

Task<Result<void>> paths(Context& context, const Selection& selection, Streams streams) {
  auto grant = co_await context.session().get();
  if (!grant) co_return std::unexpected(grant.error());
  auto prefixes = co_await prefixes_of(context, selection);
  if (!prefixes) co_return std::unexpected(prefixes.error());
  auto there = co_await look_for(context, *prefixes);
  if (!there) co_return std::unexpected(there.error());
  if (std::ranges::find(*there, true) == there->end())
    co_return co_await nothing_matches(context, selection);
  for (std::size_t i = 0; i < prefixes->size(); ++i)
    if ((*there)[i]) streams.out << base_of(**grant) << (*prefixes)[i] << '\n';
  co_return Result<void>{};
}

void print_object(const client::ListedObject& object, std::string_view name, std::ostream& out) {
  out << fmt::format("{} {:>10} {}\n", format_iso8601(object.modified), bytes_text(object.size),
                     printable(name));
}

Task<Result<void>> ls(Context& context, const Selection& selection, bool recursive,
                      Streams streams) {
  auto prefixes = co_await prefixes_of(context, selection);
  if (!prefixes) co_return std::unexpected(prefixes.error());
  bool found = false;
  for (const std::string& prefix : *prefixes) {
    client::ListQuery query;
    query.prefix = prefix;
    if (!recursive) query.delimiter = "/";
    auto page = co_await context.data().list(query);
    if (!page) co_return std::unexpected(page.error());
    // As `aws s3 ls`: names below what was asked for, or whole where there is more than one.
    const std::size_t cut = prefixes->size() > 1 || recursive ? 0 : prefix.rfind('/') + 1;
    for (const std::string& each : page->common_prefixes)
      streams.out << fmt::format("{:>31} {}\n", "PRE", printable(each.substr(cut)));
    for (const client::ListedObject& each : page->objects)
      print_object(each, std::string_view(each.key).substr(cut), streams.out);
    found = found || !page->objects.empty() || !page->common_prefixes.empty();
  }
  if (!found) co_return co_await nothing_matches(context, selection);
  co_return Result<void>{};
}

Task<Result<void>> cat(Context& context, const std::string& typed, Streams streams) {
  auto grant = co_await context.session().get();
  if (!grant) co_return std::unexpected(grant.error());
  const auto found = name_in_export(**grant, typed);
  if (!found) co_return std::unexpected(found.error());
  const std::string& name = *found;
  client::ListQuery query;
  query.prefix = name;
  query.max_keys = 1;
  auto page = co_await context.data().list_page(query);
  if (!page) co_return std::unexpected(page.error());
  if (page->objects.empty() || page->objects.front().key != name)
    co_return co_await no_such_object(context, name);
  client::ReadQuery read;
  read.name = name;
  read.etag = page->objects.front().etag;
  read.end = page->objects.front().size;
  Md5 md5;
  auto facts =
      co_await context.data().read(read, [&streams, &md5](std::string_view bytes) -> Result<void> {
        md5.update(bytes);
        streams.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (!streams.out) return fail(ErrorCode::io, "the output cannot be written");
        return {};
      });
  if (!facts) co_return std::unexpected(facts.error());
  streams.out.flush();
  const auto digest = md5.finish();
  const std::string stated = facts->etag_may_be_md5 ? client::md5_of_etag(read.etag) : "";
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
