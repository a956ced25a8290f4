// SPDX-License-Identifier: Apache-2.0
#include "console/exports.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "console/internal/fields.h"
#include "console/internal/parameters.h"
#include "layout/part_key.h"
#include "layout/partition.h"
#include "sigv4/sign.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using storage::DaySums;
using storage::Sums;

constexpr std::size_t kMaxParts = 2000;  // of one answer to the page for SQL
constexpr std::size_t kMaxPartitions = 1000;
constexpr std::size_t kMaxListings = 800;     // of our own index, for one answer
constexpr std::size_t kMaxListingsAway = 64;  // of a foreign bucket
constexpr std::chrono::seconds kLinkLives{60};
constexpr std::size_t kExamples = 20;

std::optional<layout::RowType> type_of(std::string_view name) {
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    if (layout::name_of(type) == name) return type;
  return std::nullopt;
}

struct DayOfType {
  layout::RowType type;
  Date day;
};

Answer<DayOfType> read_day(const Call& call) {
  const auto type = type_of(call.ids.at(0));
  const auto day = parse_date(call.ids.at(1));
  if (!type || !day) return not_found("There is no such day of the export.");
  return DayOfType{*type, *day};
}

json::value rows_or_null(const Sums& sums) {
  if (!sums.rows || !sums.counted) return nullptr;
  return *sums.rows;
}

json::value number_or_null(const Sums& sums, std::uint64_t Sums::* number) {
  if (!sums.counted) return nullptr;
  return sums.*number;
}

void add_sums(json::object& document, const Sums& sums) {
  document.emplace("rows", rows_or_null(sums));
  document.emplace("bytes", number_or_null(sums, &Sums::bytes));
  document.emplace("parts", number_or_null(sums, &Sums::parts));
}

// Null: nobody looked.
json::value complete_or_null(const DaySums& day, bool closed) {
  if (!day.sums.counted && !closed) return nullptr;
  return day.complete || closed;
}

// All of a day whose partitions these are.
Sums sum_of(std::span<const storage::PartitionSums> partitions) {
  Sums all;
  for (const auto& [name, sums] : partitions) {
    all.parts += sums.parts;
    all.bytes += sums.bytes;
    all.counted = all.counted && sums.counted;
    if (all.rows && sums.rows)
      *all.rows += *sums.rows;
    else
      all.rows.reset();
  }
  return all;
}

json::object document_of(const storage::ObjectInfo& part) {
  return {{"key", part.key},
          {"bytes", part.size},
          {"rows", part.rows ? json::value(*part.rows) : json::value(nullptr)},
          {"modified", format_iso8601(part.modified)}};
}

std::string value_of(std::string_view partition) {
  const auto equals = partition.find('=');
  std::string query = "x=";
  const auto decoded = http::parse_query(
      query.append(
          partition.substr(equals == std::string_view::npos ? partition.size() : equals + 1)),
      false);
  return decoded && decoded->size() == 1 ? decoded->front().value : std::string(partition);
}

bool is_part(std::string_view key) { return key.ends_with(".parquet"); }

// The last day that is whole in both types.
std::optional<Date> complete_through(std::span<const DaySums> days, std::optional<Date> closed) {
  std::set<Date> open;  // of one type at least
  for (const DaySums& day : days)
    if (!day.complete && !(closed >= day.day)) open.insert(day.day);
  std::optional<Date> last = closed;
  for (const DaySums& day : days)
    if (!open.contains(day.day)) last = std::max(last.value_or(day.day), day.day);
  return last;
}

std::string_view state_of(Date day, std::span<const DaySums> days, const ExportTimes& times) {
  bool any = false, complete = times.closed_through >= day;
  for (const DaySums& each : days) {
    if (each.day != day) continue;
    any = true;
    complete = complete || each.complete;
  }
  if (!complete && (any || times.next || times.last)) return "open";
  return any ? "complete" : "no_data";
}

json::value day_or_null(const std::optional<Date>& day) {
  if (!day) return nullptr;
  return json::value(format_date(*day));
}

}  // namespace

Answer<storage::ExportFigures*> Exports::figures() const {
  if (parts_.figures != nullptr) return parts_.figures;
  return api::problem(ProblemCode::not_implemented,
                      "This server keeps no figures of the export: list it with a token.");
}

Answer<Reply> Exports::days(const Call& call) {
  VALETKEY_TRY(auto* const kept, figures());
  VALETKEY_TRY(const auto days, or_hide(kept->days(account_of(call).str()), "reading sums", call));
  VALETKEY_TRY(const ExportTimes times,
               or_hide(parts_.times(call.now), "asking the exporter", call));
  VALETKEY_TRY(const auto policy,
               or_hide(parts_.store.policy(account_of(call)), "reading a policy", call));
  const Date today = date_of(call.now);
  const Date yesterday = today - std::chrono::days(1);
  std::optional<Date> first;
  json::array listed;
  for (const DaySums& day : days) {
    json::object document{{"day", format_date(day.day)}, {"type", day.type}};
    add_sums(document, day.sums);
    document.emplace("complete", complete_or_null(day, times.closed_through >= day.day));
    listed.push_back(std::move(document));
    first = std::min(first.value_or(day.day), day.day);
  }
  json::value retention = nullptr;
  if (policy.retention) retention = policy.retention->count();
  return reply_with(
      {{"today", format_date(today)},
       {"complete_through", day_or_null(complete_through(days, times.closed_through))},
       {"last_export", instant_or_null(times.last)},
       {"next_export", instant_or_null(times.next)},
       {"first_day", day_or_null(first)},
       {"yesterday",
        {{"day", format_date(yesterday)}, {"state", state_of(yesterday, days, times)}}},
       {"retention_days", std::move(retention)},
       {"days", std::move(listed)}});
}

Answer<Reply> Exports::day(const Call& call) {
  VALETKEY_TRY(const DayOfType of, read_day(call));
  VALETKEY_TRY(auto* const kept, figures());
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  VALETKEY_TRY(const std::size_t limit, parameters.limit());
  const std::string prefix = layout::day_prefix(account_of(call), of.type, of.day);
  const std::string after = parameters.text("after");
  VALETKEY_TRY(const storage::PartitionPage page,
               or_hide(kept->partitions(prefix, after, limit), "adding up a day", call));
  VALETKEY_TRY(const auto days, or_hide(kept->days(account_of(call).str()), "reading sums", call));
  const auto found = std::ranges::find_if(days, [&](const DaySums& each) {
    return each.type == layout::name_of(of.type) && each.day == of.day;
  });
  if (found == days.end()) return not_found("There is nothing of that day in the export.");
  const bool whole = after.empty() && !page.more;
  const Sums sums = found->sums.counted || !whole ? found->sums : sum_of(page.partitions);
  VALETKEY_TRY(const ExportTimes times,
               or_hide(parts_.times(call.now), "asking the exporter", call));
  bool complete = found->complete || (times.closed_through && of.day <= *times.closed_through);
  if (!complete && !found->sums.counted) {
    VALETKEY_TRY(complete, is_there(call, prefix + std::string(layout::kSuccess)));
  }
  json::object document{
      {"type", layout::name_of(of.type)}, {"day", format_date(of.day)}, {"complete", complete}};
  add_sums(document, sums);
  json::array listed;
  for (const auto& partition : page.partitions) {
    json::object each{{"partition", partition.partition}, {"value", value_of(partition.partition)}};
    add_sums(each, partition.sums);
    listed.push_back(std::move(each));
  }
  document.emplace("partitions", std::move(listed));
  document.emplace("next", page.more && !page.partitions.empty()
                               ? json::value(page.partitions.back().partition)
                               : json::value(nullptr));
  return reply_with(document);
}

Answer<Reply> Exports::day_parts(const Call& call) {
  VALETKEY_TRY(const DayOfType of, read_day(call));
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  VALETKEY_TRY(const std::size_t limit, parameters.limit());
  std::string prefix = layout::day_prefix(account_of(call), of.type, of.day);
  if (const std::string partition = parameters.text("partition"); !partition.empty())
    prefix += partition + "/";
  VALETKEY_TRY(const auto page,
               or_hide(parts_.objects.list({.prefix = prefix,
                                            .delimiter = {},
                                            .start_after = parameters.text("after"),
                                            .max_entries = limit}),
                       "listing parts", call));
  json::array listed;
  for (const auto& entry : page.entries)
    if (is_part(entry.info.key)) listed.push_back(document_of(entry.info));
  json::value next = nullptr;
  if (page.truncated && !page.entries.empty()) next = page.entries.back().info.key;
  return reply_with({{"parts", std::move(listed)}, {"next", std::move(next)}});
}

// False: there are more than an answer holds, or may be listed for one.
Answer<bool> Exports::collect(const Call& call, storage::ListQuery query, std::string_view last,
                              Selection& selected) {
  while (selected.listings > 0) {
    --selected.listings;
    VALETKEY_TRY(const auto page, or_hide(parts_.objects.list(query), "listing parts", call));
    for (const auto& entry : page.entries) {
      const std::string& key = entry.info.key;
      if (std::string_view(key).substr(0, last.size()) > last) return true;
      if (!is_part(key)) continue;
      if (selected.parts.size() == kMaxParts) return false;
      selected.parts.push_back(document_of(entry.info));
      selected.bytes += entry.info.size;
    }
    if (!page.truncated || page.entries.empty()) return true;
    query.start_after = page.entries.back().info.key;
  }
  return false;
}

// Of one experiment or event: its folder of each day, and the one of those beyond the daily limit.
Answer<bool> Exports::collect_value(const Call& call, const Wanted& wanted,
                                    const std::string& value, Selection& selected) {
  VALETKEY_TRY(auto* const kept, figures());
  VALETKEY_TRY(const auto days, or_hide(kept->days(account_of(call).str()), "reading sums", call));
  for (const DaySums& day : days) {
    if (day.type != layout::name_of(wanted.type) || day.day < wanted.since ||
        day.day > wanted.until)
      continue;
    const std::string whole = layout::day_prefix(account_of(call), wanted.type, day.day);
    for (const std::string& prefix :
         {layout::partition_prefix(account_of(call), wanted.type, day.day, value),
          whole + std::string(layout::partition_name(wanted.type)) + "=" +
              std::string(layout::kOtherPartition) + "/"}) {
      VALETKEY_TRY(
          const bool all,
          collect(call, {.prefix = prefix, .delimiter = {}, .start_after = {}}, prefix, selected));
      if (!all) return false;
    }
  }
  return true;
}

Answer<bool> Exports::collect_all(const Call& call, const Wanted& wanted, Selection& selected) {
  const auto folder = [&](Date day) {
    return layout::day_prefix(account_of(call), wanted.type, day);
  };
  std::string before = folder(wanted.since);
  before.pop_back();
  return collect(call,
                 {.prefix = layout::type_prefix(account_of(call), wanted.type),
                  .delimiter = {},
                  .start_after = std::move(before)},
                 folder(wanted.until), selected);
}

Answer<Reply> Exports::parts(const Call& call) {
  VALETKEY_CHECK(figures());
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  const auto type = type_of(parameters.text("type"));
  if (!type)
    return api::problem(ProblemCode::invalid_parameter, "type must be decisions or events.");
  Wanted wanted{.type = *type};
  VALETKEY_TRY(wanted.since, parameters.day("since"));
  VALETKEY_TRY(wanted.until, parameters.day("until"));
  const std::string value =
      parameters.text(*type == layout::RowType::decisions ? "experiment" : "event");
  Selection selected;
  selected.listings = parts_.listed ? kMaxListingsAway : kMaxListings;
  bool complete = true;
  if (wanted.since <= wanted.until && value.empty()) {
    VALETKEY_TRY(complete, collect_all(call, wanted, selected));
  } else if (wanted.since <= wanted.until) {
    VALETKEY_TRY(complete, collect_value(call, wanted, value, selected));
  }
  return reply_with(
      {{"parts", std::move(selected.parts)}, {"bytes", selected.bytes}, {"complete", complete}});
}

Answer<bool> Exports::is_there(const Call& call, const std::string& key) {
  const auto found = parts_.objects.head(key);
  if (!found && found.error().code == ErrorCode::not_found) return false;
  VALETKEY_CHECK(or_hide(found, "looking a marker up", call));
  return true;
}

Answer<access::Credentials> Exports::issue(const Call& call) {
  auto issued = parts_.issuer.issue(grant_of(call), options_.default_duration, call.now);
  if (!issued && issued.error().code == ErrorCode::unavailable)
    return api::problem(ProblemCode::unavailable,
                        "No credentials can be issued: " + issued.error().detail + ".");
  VALETKEY_TRY(auto credentials, or_hide(std::move(issued), "minting credentials", call));
  parts_.audit.append({.at = call.now,
                       .action = "credentials.issue",
                       .outcome = "ok",
                       .account = &account_of(call),
                       .actor = call.who->user.id.str(),
                       .subject = credentials.access_key_id,
                       .client = call.client,
                       .request_id = call.request_id});
  return credentials;
}

// The browser goes there by itself, so the address is all that it has to show: for a minute.
Answer<Reply> Exports::link(const Call& call) {
  VALETKEY_CHECK(figures());  // the parts are here, and not in a bucket of somebody else's
  VALETKEY_TRY(const Fields fields, Fields::parse(call.body, {"key"}));
  VALETKEY_TRY(const std::string key, fields.text("key"));
  const auto known = key.starts_with(layout::account_prefix(account_of(call)))
                         ? parts_.objects.head(key)
                         : Result<storage::ObjectInfo>(fail(ErrorCode::not_found, ""));
  if (!known && known.error().code == ErrorCode::not_found)
    return not_found("There is no such part: the day may have been merged; look again.");
  VALETKEY_CHECK(or_hide(known, "looking a part up", call));
  VALETKEY_TRY(const access::Credentials credentials, issue(call));
  const std::string_view endpoint = options_.public_endpoint;
  const auto host = endpoint.find("://") + 3;
  const std::string path = "/" + options_.bucket + "/" + percent_encode(key, true);
  const std::string name = key.substr(key.rfind('/') + 1);
  const sigv4::ToSign request{
      .path = path,
      .query =
          "response-content-disposition=" + percent_encode("attachment; filename=\"" + name + "\""),
      .headers = {{"Host", std::string(endpoint.substr(host, endpoint.find('/', host) - host))}},
      .region = options_.region};
  const std::string query = sigv4::presign_query(
      request,
      {credentials.access_key_id, credentials.secret_access_key, credentials.session_token},
      call.now, kLinkLives);
  std::string url(endpoint);
  while (url.ends_with('/')) url.pop_back();
  return reply_with(
      {{"url", url + path + "?" + query}, {"expires", format_iso8601(call.now + kLinkLives)}});
}

Answer<Reply> Exports::credentials(const Call& call) {
  VALETKEY_TRY(const access::Credentials made, issue(call));
  const access::Place own{options_.bucket, layout::account_prefix(account_of(call)),
                          options_.public_endpoint, options_.region};
  const access::Place& place = made.place ? *made.place : own;
  return reply_with({{"credentials",
                      {{"accessKeyId", made.access_key_id},
                       {"secretAccessKey", made.secret_access_key.reveal()},
                       {"sessionToken", made.session_token.reveal()},
                       {"expiration", epoch_ms(made.expires)}}},
                     {"s3Path", "s3://" + place.bucket + "/" + place.prefix},
                     {"endpoint", place.endpoint},
                     {"region", place.region}});
}

// Of the newest day of each type: what the examples of the page for SQL are about.
Answer<Reply> Exports::examples(const Call& call) {
  VALETKEY_TRY(auto* const kept, figures());
  VALETKEY_TRY(const auto days, or_hide(kept->days(account_of(call).str()), "reading sums", call));
  json::object document;
  for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
    std::optional<Date> newest;
    for (const DaySums& day : days)
      if (day.type == layout::name_of(type) && day.sums.any()) newest = day.day;
    json::array names;
    if (newest) {
      VALETKEY_TRY(auto page,
                   or_hide(kept->partitions(layout::day_prefix(account_of(call), type, *newest), "",
                                            kMaxPartitions),
                           "adding up a day", call));
      std::ranges::sort(page.partitions, std::ranges::greater{},
                        [](const auto& each) { return each.sums.rows.value_or(each.sums.bytes); });
      for (const auto& partition : page.partitions) {
        const std::string name = value_of(partition.partition);
        if (names.size() < kExamples && !name.starts_with("__")) names.emplace_back(name);
      }
    }
    const bool decisions = type == layout::RowType::decisions;
    document.emplace(decisions ? "experiments" : "events", std::move(names));
    document.emplace(decisions ? "decisions_day" : "events_day", day_or_null(newest));
  }
  return reply_with(document);
}

}  // namespace valetkey::console
