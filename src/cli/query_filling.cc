// SPDX-License-Identifier: Apache-2.0
#include "cli/query_filling.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/absence.h"
#include "cli/printable.h"
#include "http/co_try.h"
#include "layout/part_key.h"

namespace valetkey::cli {
namespace {

constexpr auto kLongestWait = std::chrono::minutes(30);  // for another query's fetching
constexpr milliseconds kShortWait = seconds(5);          // where the cache can answer

bool is_away(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::io;
}

}  // namespace

void Filling::finish() {
  if (cache_) static_cast<void>(cache_->folder().finish());
}

Task<Result<void>> Filling::open(std::string service) {
  const auto until = std::chrono::steady_clock::now() + kLongestWait;
  for (bool said = false;; said = true) {
    auto opened = QueryCache::open(parts_.cache_folder, service);
    if (opened) {
      cache_ = std::move(*opened);
      co_return Result<void>{};
    }
    if (opened.error().code != ErrorCode::busy || std::chrono::steady_clock::now() > until)
      co_return std::unexpected(opened.error());
    if (!said) progress_.say("another query fetches; waiting for it");
    co_await client::pause(parts_.context.loop(), milliseconds(100));
  }
}

// The credentials open what was named.
Result<void> Filling::resolve(const client::Grant& grant) {
  VALETKEY_CHECK(check_place(grant, parts_.flags.bucket, parts_.flags.account));
  for (Selection& selection : parts_.selections) VALETKEY_CHECK(selection.resolve_parts(grant));
  return {};
}

Task<Result<void>> Filling::list(const Selection& selection) {
  VALETKEY_CO_TRY(auto prefixes, co_await prefixes_of(parts_.context, selection));
  VALETKEY_CO_TRY(auto objects, co_await objects_of(parts_.context, selection, prefixes));
  const std::size_t before = listed_.size();
  std::ranges::copy_if(objects, std::back_inserter(listed_), [&selection](const auto& object) {
    const auto part = layout::PartName::parse(object.key);
    return part && layout::name_of(part->folder.type) == selection.type;
  });
  if (listed_.size() == before) unmatched_.push_back(&selection);
  co_return Result<void>{};
}

// A name that nothing has is a typing error; a day without events may just be quiet.
Task<Result<void>> Filling::check_matches() {
  for (const Selection* each : unmatched_) {
    const bool named = !each->event.empty() || !each->experiment.empty();
    if (named || listed_.empty()) co_return co_await nothing_matches(parts_.context, *each);
    parts_.streams.err << "valetkey: there are no " << each->type << " in the selection\n";
  }
  co_return Result<void>{};
}

Task<Result<void>> Filling::fetch(Timestamp listed_at) {
  VALETKEY_CO_TRY(auto wanted, client::missing_in(cache_->folder(), listed_, totals_));
  auto changing = wanted.empty() ? Result<void>{} : parts_.notes.suspend();
  if (changing) changing = cache_->make_room(parts_.selections, listed_, parts_.flags.cache_bytes);
  if (!changing) co_return changing;
  client::FetchOptions options{
      .connections = parts_.flags.connections, .done = {}, .moved = [this] {
        progress_.show({totals_.files, totals_.files_done, totals_.bytes, totals_.bytes_done});
      }};
  auto brought = co_await client::bring(parts_.context.data(), cache_->folder(), std::move(wanted),
                                        std::move(options), totals_);
  progress_.clear();
  if (brought) brought = parts_.notes.add(parts_.selections, listed_at);
  if (!brought) co_return brought;
  co_return cache_->take(listed_, parts_.snapshot);
}

Task<Result<void>> Filling::ask() {
  auto grant = co_await parts_.context.session().get();
  away_ = !grant && is_away(grant.error());
  if (!grant) co_return std::unexpected(grant.error());
  auto ready = resolve(**grant);
  if (!ready) co_return ready;
  // What a limited token brings is not all that another one would find.
  std::string service = (*grant)->endpoint + " " + (*grant)->s3_path();
  for (const std::string& limit : (*grant)->limits) service += " " + limit;
  auto opened = co_await open(service);
  if (opened) opened = parts_.notes.bind(service);
  if (!opened) co_return opened;
  // A part that was replaced between list and read has another name, or ETag, in the next list.
  Result<void> filled;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Timestamp now = SystemClock().now();
    listed_.clear();
    unmatched_.clear();
    filled = {};
    for (std::size_t i = 0; filled && i < parts_.selections.size(); ++i)
      filled = co_await list(parts_.selections[i]);
    away_ = !filled && attempt == 0 && is_away(filled.error());
    if (filled && !unmatched_.empty()) filled = co_await check_matches();
    if (!filled) co_return filled;
    filled = co_await fetch(now);
    if (filled ||
        (filled.error().code != ErrorCode::busy && filled.error().code != ErrorCode::not_found))
      break;
  }
  co_return filled;
}

// As of when the cache held all of what is selected; nothing: it never did.
std::optional<Timestamp> Filling::noted() const {
  std::optional<Timestamp> oldest;
  for (const Selection& selection : parts_.selections) {
    const auto each = parts_.notes.since(selection);
    if (!each) return std::nullopt;
    oldest = std::min(oldest.value_or(*each), *each);
  }
  return oldest;
}

Task<Result<void>> Filling::answer_from_cache(Error why) {
  const auto place = parts_.notes.place();
  const auto since = place ? noted() : std::nullopt;
  if (!since) co_return std::unexpected(why);
  auto ready = resolve(*place);
  if (ready && !cache_) ready = co_await open(parts_.notes.service());
  if (!ready) co_return ready;
  VALETKEY_CO_TRY(auto held, cache_->held(parts_.selections));
  if (!held) co_return std::unexpected(why);
  if (held->empty())
    co_return fail(ErrorCode::not_found,
                   "nothing matches the selection in the cache, as the "
                   "export was at " +
                       format_iso8601(*since));
  listed_ = std::move(*held);
  totals_ = {.unchanged = listed_.size()};
  parts_.streams.err << fmt::format(
      "valetkey: answered from the cache, as the export was at {}{}\n", format_iso8601(*since),
      parts_.flags.offline ? "" : ": " + printable(why.detail));
  co_return cache_->take(listed_, parts_.snapshot);
}

Task<Result<void>> Filling::run() {
  Result<void> filled;
  if (parts_.flags.offline) {
    filled = co_await answer_from_cache(
        {ErrorCode::not_found,
         "the cache does not hold all of the selection: ask once without --offline"});
  } else {
    const milliseconds wait = parts_.context.wait();
    const bool hasty = noted() && wait > kShortWait;
    if (hasty) parts_.context.set_wait(kShortWait);
    filled = co_await ask();
    if (!filled && away_) {
      const ErrorCode why = filled.error().code;
      filled = co_await answer_from_cache(filled.error());
      // Some of it was evicted after all.
      const bool again =
          hasty && !filled && filled.error().code == why && why == ErrorCode::unavailable;
      parts_.context.set_wait(wait);
      if (again) filled = co_await ask();
    }
  }
  cache_.reset();
  co_return filled;
}

}  // namespace valetkey::cli
