// SPDX-License-Identifier: Apache-2.0
#include "cli/query_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxBytes = 256 * 1024;
constexpr std::size_t kMaxHeld = 200;  // the newest

std::string word(std::string_view text) { return text.empty() ? "-" : percent_encode(text); }

Result<std::string> unword(std::string_view text) {
  return text == "-" ? Result<std::string>("") : percent_decode(text);
}

}  // namespace

QueryNotes::QueryNotes(const fs::path& cache, const client::Profile& profile) : cache_(cache) {
  std::string all = profile.api + "\n" + std::string(profile.token.reveal());
  pointer_ = cache_ / "services" / sha256_hex(all).substr(0, 32);
  wipe(all);
  service_ = read_file(pointer_, kMaxBytes).value_or("");
  read();
}

fs::path QueryNotes::file() const { return cache_ / "notes" / sha256_hex(service_).substr(0, 32); }

void QueryNotes::read() {
  held_.clear();
  const auto text = read_file(file(), kMaxBytes);
  if (!text || service_.empty()) return;
  for (const auto line : std::views::split(*text, '\n'))
    if (auto held = parse(std::string_view(line.begin(), line.end())))
      held_.push_back(std::move(*held));
}

Result<void> QueryNotes::bind(const std::string& service) {
  if (service == service_) return {};
  service_ = service;
  read();
  VALETKEY_CHECK(make_folders(pointer_.parent_path()));
  return replace_file(pointer_, service_);
}

std::optional<QueryNotes::Held> QueryNotes::parse(std::string_view line) {
  std::vector<std::string> words;
  for (const auto each : std::views::split(line, ' ')) {
    auto text = unword(std::string_view(each.begin(), each.end()));
    if (!text) return std::nullopt;
    words.push_back(std::move(*text));
  }
  if (words.size() != 6) return std::nullopt;
  std::int64_t ms = 0;
  const char* last = words[0].data() + words[0].size();
  if (const auto [end, error] = std::from_chars(words[0].data(), last, ms);
      error != std::errc{} || end != last)
    return std::nullopt;
  return Held{from_epoch_ms(ms), words[1] == "complete", words[2], words[3], words[4], words[5]};
}

std::optional<client::Grant> QueryNotes::place() const {
  const auto space = service_.find(" s3://");
  if (space == std::string::npos) return std::nullopt;
  client::Grant grant;
  grant.endpoint = service_.substr(0, space);
  const std::string path = service_.substr(space + 6);
  grant.bucket = path.substr(0, path.find('/'));
  grant.prefix = path.substr(std::min(grant.bucket.size() + 1, path.size()));
  return grant;
}

QueryNotes::Held QueryNotes::of(const Selection& selection, Timestamp since) {
  const bool one_day = !selection.date.empty();
  return {since,
          selection.only_complete,
          selection.type,
          one_day ? selection.date : selection.start,
          one_day ? selection.date : selection.end,
          selection.experiment.empty() ? selection.event : selection.experiment};
}

bool QueryNotes::covers(const Held& held, const Held& asked) {
  const bool start = held.start.empty() || (!asked.start.empty() && held.start <= asked.start);
  const bool end = held.end.empty() || (!asked.end.empty() && held.end >= asked.end);
  return held.type == asked.type && held.only_complete == asked.only_complete && start && end &&
         (held.name.empty() || held.name == asked.name);
}

std::optional<Timestamp> QueryNotes::since(const Selection& selection) const {
  if (!selection.prefixes.empty()) {  // only as a part of the whole type
    Selection whole;
    whole.type = selection.type;
    whole.only_complete = selection.only_complete;
    return since(whole);
  }
  std::optional<Timestamp> newest;
  const Held asked = of(selection, {});
  for (const Held& held : held_)
    if (covers(held, asked)) newest = std::max(newest.value_or(held.since), held.since);
  return newest;
}

Result<void> QueryNotes::write(const std::vector<Held>& held) const {
  std::string text;
  for (const Held& each : held)
    text += fmt::format("{} {} {} {} {} {}\n", epoch_ms(each.since),
                        each.only_complete ? "complete" : "all", each.type, word(each.start),
                        word(each.end), word(each.name));
  VALETKEY_CHECK(make_folders(file().parent_path()));
  return replace_file(file(), text);
}

Result<void> QueryNotes::suspend() const { return held_.empty() ? Result<void>{} : write({}); }

Result<void> QueryNotes::add(const std::vector<Selection>& selections, Timestamp now) {
  std::vector<Held> all;
  for (const Selection& selection : selections)
    if (selection.prefixes.empty()) all.push_back(of(selection, now));
  const std::size_t added = all.size();
  for (const Held& old : held_) {
    // Listing complete days only has removed the others from the cache, or the other way round.
    const bool stale = std::ranges::any_of(all.begin(), all.begin() + added, [&](const Held& held) {
      return covers(held, old) ||
             (held.type == old.type && held.only_complete != old.only_complete);
    });
    if (!stale && all.size() < kMaxHeld) all.push_back(old);
  }
  held_ = std::move(all);
  return write(held_);
}

}  // namespace valetkey::cli
