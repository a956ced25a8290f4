// SPDX-License-Identifier: Apache-2.0
// How the server is, for the operator's page.
#include <boost/json/array.hpp>

#include "base/version.h"
#include "server/wire.h"

namespace valetkey::server {
namespace {

namespace json = boost::json;

json::value instant(const std::optional<Timestamp>& at) {
  if (!at) return nullptr;
  return json::value(format_iso8601(*at));
}

json::array sentences(const std::vector<std::string>& texts) {
  json::array listed;
  for (const std::string& text : texts) listed.emplace_back(text);
  return listed;
}

json::object document_of(const console::ExportTimes& times,
                         const std::optional<ExportHealth>& health) {
  json::object document{{"enabled", health.has_value()},
                        {"last_export", instant(times.last)},
                        {"next_export", instant(times.next)},
                        {"closed_through", nullptr},
                        {"waiting_events", health ? health->waiting_events : 0},
                        {"waiting_bytes", health ? health->waiting_bytes : 0},
                        {"oldest_waiting_s", nullptr},
                        {"problem", health ? health->problem : ""}};
  if (times.closed_through) document["closed_through"] = format_date(*times.closed_through);
  if (health && health->waiting_events > 0)
    document["oldest_waiting_s"] = health->lag.count() / 1000;
  return document;
}

}  // namespace

json::object Server::describe(Timestamp now) const {
  const auto health = keeper_->health();
  const auto times = export_times(now);
  json::array keys;
  for (const KeyHealth& key : health->keys)
    keys.push_back(json::object{{"id", key.id},
                                {"purpose", name_of(key.purpose)},
                                {"state", name_of(key.state)},
                                {"created", format_iso8601(key.created)}});
  return {{"version", kVersion},
          {"started", format_iso8601(started_)},
          {"problems", sentences(health->problems(now))},
          {"warnings", sentences(health->warnings(now))},
          {"exporter", document_of(times.value_or(console::ExportTimes{}), health->exporting)},
          {"disk",
           {{"total_bytes", health->disk_total_bytes}, {"free_bytes", health->disk_free_bytes}}},
          {"keys", std::move(keys)},
          {"certificate_expires", instant(health->certificate_not_after)},
          {"addresses", {{"api", urls_.api}, {"s3", urls_.s3}, {"admin", urls_.admin}}}};
}

}  // namespace valetkey::server
