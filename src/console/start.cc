// SPDX-License-Identifier: Apache-2.0
#include "console/start.h"

#include <array>
#include <future>

#include <boost/json/serialize.hpp>

#include "layout/part_key.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{10};
constexpr int kVisitors = 40;

json::value document_of(const std::optional<access::Sighting>& sighting, bool with_bytes) {
  if (!sighting) return nullptr;
  json::object document{{"at", format_iso8601_ms(sighting->at)},
                        {"from", access::block_text(sighting->client)}};
  if (with_bytes) document.emplace("bytes", sighting->bytes);
  return document;
}

json::object event_of(Timestamp at, std::string_view type, std::string_view key) {
  return {{"uuid", make_uuid()},
          {"timestamp", epoch_ms(at)},
          {"entity_id", key},
          {"key", key},
          {"type", type}};
}

json::object decision_of(std::string_view variation) {
  return {{"campaign_id", "7000000001"},
          {"experiment_id", "7000000002"},
          {"variation_id", variation},
          {"is_campaign_holdback", false}};
}

json::object visitor_of(int number, Timestamp now) {
  constexpr std::array<std::string_view, 2> kVariations{"7000000003", "7000000004"};
  const Timestamp arrived = now - std::chrono::minutes(5 + number);
  json::array snapshots;
  snapshots.push_back(json::object{
      {"decisions", json::array{decision_of(kVariations[number % 2])}},
      {"events", json::array{event_of(arrived, "campaign_activated", "campaign_activated")}}});
  json::array events{event_of(arrived + std::chrono::seconds(20), "custom", "sample_view")};
  if (number % 4 == 1 || number % 10 == 0) {
    json::object bought = event_of(arrived + std::chrono::minutes(2), "custom", "sample_purchase");
    const int cents = 1200 + 130 * number;
    bought["revenue"] = cents;
    bought["value"] = cents / 100.0;
    bought["tags"] = json::object{{"revenue", cents}, {"value", cents / 100.0}};
    events.push_back(std::move(bought));
  }
  snapshots.push_back(json::object{{"decisions", json::array{}}, {"events", std::move(events)}});
  return {{"visitor_id", "sample-" + std::to_string(number)},
          {"attributes", json::array{}},
          {"snapshots", std::move(snapshots)}};
}

}  // namespace

std::string sample_events(const AccountId& account, Timestamp now) {
  json::array visitors;
  for (int number = 0; number < kVisitors; ++number) visitors.push_back(visitor_of(number, now));
  return json::serialize(json::object{{"account_id", account.str()},
                                      {"client_name", "valetkey-console"},
                                      {"client_version", "1"},
                                      {"anonymize_ip", true},
                                      {"enrich_decisions", true},
                                      {"visitors", std::move(visitors)}});
}

Answer<Reply> Start::seen(const Call& call) {
  const auto id = TokenId::parse(call.ids.at(0));
  if (!id) return not_found("There is no such token.");
  auto token = parts_.store.token(*id);
  if (!token && token.error().code != ErrorCode::not_found)
    return std::unexpected(api::hidden_failure(token.error(), "reading a token", call.request_id));
  if (!token || token->account != account_of(call) ||
      (!call.who->is_admin() && token->user != call.who->user.id))
    return not_found("There is no such token.");
  const access::Seen seen = parts_.usage.sightings().of(*id);
  json::value exchange = document_of(seen.exchange, false);
  if (exchange.is_null() && token->last_used)  // before this server began
    exchange =
        json::object{{"at", format_iso8601_ms(*token->last_used)}, {"from", token->last_used_from}};
  return reply_with({{"now", format_iso8601_ms(call.now)},
                     {"exchange", std::move(exchange)},
                     {"listing", document_of(seen.listing, false)},
                     {"first_bytes", document_of(seen.bytes, true)}});
}

Answer<Reply> Start::arrivals(const Call& call) {
  const AccountId& account = account_of(call);
  const Date today = date_of(call.now);
  // What arrived within the last seconds is still in memory.
  VALETKEY_CHECK(or_hide(parts_.usage.flush(), "writing usage", call));
  VALETKEY_TRY(const auto days, or_hide(parts_.store.usage(account, Date::min(), Date::max()),
                                        "reading usage", call));
  VALETKEY_TRY(const ExportTimes times,
               or_hide(parts_.times(call.now), "asking the exporter", call));
  json::value first_day = nullptr;
  std::uint64_t events_today = 0;
  for (const auto& day : days) {
    if (day.counts.events == 0) continue;
    if (first_day.is_null()) first_day = format_date(day.day);
    if (day.day == today) events_today = day.counts.events;
  }
  json::value rows = nullptr;
  bool any = !first_day.is_null();  // where nobody knows more: what came in was exported since
  if (parts_.figures != nullptr) {
    VALETKEY_TRY(const auto sums,
                 or_hide(parts_.figures->days(account.str()), "reading sums", call));
    std::uint64_t counted = 0;
    for (const auto& day : sums) counted += day.sums.rows.value_or(0);
    rows = counted;
    any = !sums.empty();
  }
  VALETKEY_TRY(json::object at, place(call));
  return reply_with({{"now", format_iso8601_ms(call.now)},
                     {"first_event_day", std::move(first_day)},
                     {"first_export", any ? instant_or_null(times.last) : nullptr},
                     {"next_export", instant_or_null(times.next)},
                     {"rows_exported", std::move(rows)},
                     {"events_received_today", events_today},
                     {"place", std::move(at)}});
}

// What the commands of the page are about.
Answer<json::object> Start::place(const Call& call) {
  VALETKEY_TRY(const auto elsewhere,
               or_hide(parts_.issuer.place(account_of(call)), "asking the issuer", call));
  const access::Place own{options_.bucket, layout::account_prefix(account_of(call)),
                          options_.public_endpoint, options_.region};
  const access::Place& place = elsewhere ? *elsewhere : own;
  return json::object{{"bucket", place.bucket},
                      {"prefix", place.prefix},
                      {"endpoint", place.endpoint},
                      {"region", place.region}};
}

Answer<Reply> Start::send_samples(const Call& call) {
  if (parts_.log == nullptr)
    return api::problem(ProblemCode::unavailable,
                        "This server takes no events: [intake] enabled is false.");
  const AccountId& account = account_of(call);
  const auto wait = samples_.take(account.str(), std::chrono::steady_clock::now());
  if (wait > milliseconds(0))
    return std::unexpected(
        Problem{.code = ProblemCode::rate_limited,
                .message = "Sample events were sent a moment ago: wait a little.",
                .retry_after = std::chrono::ceil<std::chrono::seconds>(wait),
                .allow = {}});
  const std::string body = sample_events(account, call.now);
  auto taken = events::parse_events(
      body, {.now = call.now, .client_address = {}, .user_agent = {}, .referer = {}}, true);
  if (!taken)
    return std::unexpected(api::hidden_failure({ErrorCode::internal, taken.error().message},
                                               "making sample events", call.request_id));
  VALETKEY_CHECK(store(call, *taken));
  parts_.usage.received(account, call.now, taken->events, body.size());
  parts_.audit.append({.at = call.now,
                       .action = "events.sample",
                       .outcome = "ok",
                       .account = &account,
                       .actor = call.who->user.id.str(),
                       .subject = {},
                       .client = call.client,
                       .request_id = call.request_id});
  return reply_with({{"events", taken->events - kVisitors}, {"decisions", kVisitors}});
}

Answer<void> Start::store(const Call& call, const events::Intake& intake) {
  // Shared with the log's thread, which may be done after we gave up.
  const auto stored = std::make_shared<std::promise<Result<void>>>();
  auto done = stored->get_future();
  parts_.log->append({intake.account_id, intake.visitor}, intake.records, intake.events,
                     [stored](Result<void> result) { stored->set_value(std::move(result)); });
  if (done.wait_for(kPatience) != std::future_status::ready)
    return std::unexpected(api::unavailable());
  const auto kept = done.get();
  if (!kept)
    return std::unexpected(api::hidden_failure(kept.error(), "storing events", call.request_id));
  return {};
}

}  // namespace valetkey::console
