// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"
#include "base/version.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace valetkey::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

constexpr std::size_t kMaxReasons = 64;

MetricFamily& family(Families& out, const char* name, const char* help, MetricType type) {
  return out.emplace_back(MetricFamily{std::string("valetkey_") + name, help, type, {}});
}

ClientMetric::Label label(const char* name, std::string_view value) {
  return {name, std::string(value)};
}

void add(MetricFamily& to, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  to.metric.push_back(std::move(metric));
}

void counter(Families& out, const char* name, const char* help, double value) {
  add(family(out, name, help, MetricType::Counter), {}, value);
}
void gauge(Families& out, const char* name, const char* help, double value) {
  add(family(out, name, help, MetricType::Gauge), {}, value);
}

using Counts = RequestCounters::Counts<std::uint64_t>;

void add_requests(Families& out, const Counts& counts) {
  auto& to = family(out, "http_requests_total", "Requests answered.", MetricType::Counter);
  for (std::size_t l = 0; l < kListeners.size(); ++l)
    for (std::size_t m = 0; m < kMethods.size(); ++m)
      for (std::size_t s = 0; s < kStatusClasses.size(); ++s)
        if (const auto value = counts.listeners[l].requests[m][s])
          add(to,
              {label("listener", kListeners[l]), label("method", kMethods[m]),
               label("status", kStatusClasses[s])},
              static_cast<double>(value));
}

ClientMetric histogram(std::string_view listener,
                       const RequestCounters::Of<std::uint64_t>& counts) {
  ClientMetric out;
  out.label = {label("listener", listener)};
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < counts.durations.size(); ++i) {
    so_far += counts.durations[i];
    const double bound =
        i < kDurationBounds.size() ? kDurationBounds[i] : std::numeric_limits<double>::infinity();
    out.histogram.bucket.push_back({so_far, bound});
  }
  out.histogram.sample_count = so_far;
  out.histogram.sample_sum = static_cast<double>(counts.duration_ns) / 1e9;
  return out;
}

void add_per_listener(Families& out, const Counts& counts, const RequestCounters& requests) {
  auto& durations = family(out, "http_request_duration_seconds",
                           "Time from the end of a request's head to the end of its answer.",
                           MetricType::Histogram);
  for (std::size_t l = 0; l < kListeners.size(); ++l)
    durations.metric.push_back(histogram(kListeners[l], counts.listeners[l]));
  auto& sent = family(out, "http_sent_bytes_total", "Bytes of bodies sent.", MetricType::Counter);
  for (std::size_t l = 0; l < kListeners.size(); ++l)
    add(sent, {label("listener", kListeners[l])},
        static_cast<double>(counts.listeners[l].bytes_sent));
  auto& aborted = family(out, "http_aborted_total", "Answers that were cut before their end.",
                         MetricType::Counter);
  for (std::size_t l = 0; l < kListeners.size(); ++l)
    add(aborted, {label("listener", kListeners[l])},
        static_cast<double>(counts.listeners[l].aborted));
  auto& open = family(out, "http_connections", "Connections open now.", MetricType::Gauge);
  for (std::size_t l = 0; l < kListeners.size(); ++l)
    add(open, {label("listener", kListeners[l])}, static_cast<double>(requests.connections(l)));
}

void add_exchanges(Families& out, const Counts& counts) {
  auto& to = family(out, "api_exchanges_total", "Exchanges of a token for credentials, by outcome.",
                    MetricType::Counter);
  for (std::size_t i = 0; i < kExchangeOutcomes.size(); ++i)
    add(to, {label("outcome", kExchangeOutcomes[i])}, static_cast<double>(counts.exchanges[i]));
}

void add_disk(Families& out, const Health& health) {
  gauge(out, "disk_total_bytes", "Size of the data folder's disk.",
        static_cast<double>(health.disk_total_bytes));
  gauge(out, "disk_free_bytes", "What is free on it for the server.",
        static_cast<double>(health.disk_free_bytes));
  gauge(out, "disk_above_watermark",
        "1 if the disk is filled above [limits] disk_watermark_percent.",
        health.above_watermark() ? 1 : 0);
}

void add_keys(Families& out, const Health& health, Timestamp now) {
  if (health.certificate_not_after)
    gauge(out, "tls_certificate_not_after_seconds",
          "When the certificate expires, in seconds since 1970.",
          static_cast<double>(epoch_ms(*health.certificate_not_after)) / 1e3);
  auto& ages = family(out, "key_age_seconds", "Age of each key of the keyring.", MetricType::Gauge);
  for (const KeyHealth& key : health.keys)
    add(ages,
        {label("purpose", name_of(key.purpose)), label("id", std::to_string(key.id)),
         label("state", name_of(key.state))},
        std::chrono::duration<double>(now - key.created).count());
}

void add_state(Families& out, const Health& health, Timestamp now) {
  gauge(out, "ready", "1 if /readyz answers 200.", health.problems(now).empty() ? 1 : 0);
  gauge(out, "control_fresh", "1 if the control store has been seen within 5 s.",
        health.control_fresh ? 1 : 0);
  gauge(out, "object_store_readable", "1 if the object store answered the last look.",
        health.object_store_problem.empty() ? 1 : 0);
  gauge(out, "keyring_readable", "1 if the last look at the keyring's file was fine.",
        health.keyring_problem.empty() ? 1 : 0);
  add(family(out, "build_info", "Always 1; the label says the version.", MetricType::Gauge),
      {label("version", kVersion)}, 1);
}

void add_intake(Families& out, const IntakeCounters& intake) {
  counter(out, "events_received_total", "Events taken in and durable.",
          static_cast<double>(intake.events()));
  counter(out, "events_received_bytes_total", "Bytes of the requests that brought them.",
          static_cast<double>(intake.bytes()));
  auto& alterations = family(out, "event_fields_altered_total",
                             "Fields of kept events that lost something.", MetricType::Counter);
  for (const auto& [reason, count] : intake.alterations())
    add(alterations, {label("reason", reason)}, static_cast<double>(count));
  auto& drops =
      family(out, "events_dropped_total", "What was sent and not kept.", MetricType::Counter);
  for (const auto& [reason, count] : intake.drops())
    add(drops, {label("reason", reason)}, static_cast<double>(count));
}

void add_export(Families& out, const ExportHealth& health) {
  const auto& totals = health.totals;
  counter(out, "events_exported_total", "Events exported, since the data folder was made.",
          static_cast<double>(totals.events));
  counter(out, "events_duplicate_total", "Events left out because their uuid had come before.",
          static_cast<double>(totals.duplicates));
  counter(out, "events_set_aside_total", "Events that no row could be made of.",
          static_cast<double>(totals.set_aside));
  counter(out, "events_late_total",
          "Events received on a day that was closed by then, and exported under the next one.",
          static_cast<double>(totals.late));
  counter(out, "event_log_set_aside_total",
          "Damaged stretches of the event log, since the server started.",
          static_cast<double>(health.set_aside));
  counter(out, "export_rows_total", "Rows written.", static_cast<double>(totals.rows));
  counter(out, "export_parts_total", "Parts written, before days are compacted.",
          static_cast<double>(totals.parts));
  counter(out, "export_bytes_total", "Bytes of those parts.", static_cast<double>(totals.bytes));
  counter(out, "export_failures_total", "Attempts to export that failed.",
          static_cast<double>(health.failures));
  gauge(out, "intake_blocked", "1 while no events are taken, since they cannot be stored.",
        health.intake_problem.empty() ? 0 : 1);
  gauge(out, "events_waiting", "Events that wait for the exporter.",
        static_cast<double>(health.waiting_events));
  gauge(out, "events_waiting_bytes", "Bytes of the event log's segments that hold them.",
        static_cast<double>(health.waiting_bytes));
  gauge(out, "export_lag_seconds", "How long the oldest of them has waited.",
        std::chrono::duration<double>(health.lag).count());
  gauge(out, "export_parts_a_day",
        "Most parts a day of a type and experiment or event, before days are compacted.",
        static_cast<double>(health.parts_a_day));
  gauge(out, "export_runs", "Runs that wait to be cut into parts, of all nodes.",
        static_cast<double>(health.runs));
  gauge(out, "export_run_events", "Events in them.", static_cast<double>(health.run_events));
}

void add_sts(Families& out, const issuer::StsCounts& counts) {
  counter(out, "sts_calls_total", "Sessions asked for at STS.",
          static_cast<double>(counts.calls.load()));
  counter(out, "sts_failures_total", "Of these, those that gave none.",
          static_cast<double>(counts.failed.load()));
  counter(out, "sts_cache_hits_total", "Exchanges answered with a session that was there.",
          static_cast<double>(counts.hits.load()));
  counter(out, "sts_shared_total", "Exchanges answered with a call that was under way.",
          static_cast<double>(counts.shared.load()));
  counter(out, "sts_throttled_total", "Calls that STS put off.",
          static_cast<double>(counts.throttled.load()));
  counter(out, "sts_over_budget_total", "Calls not made, beyond [issuer] calls_per_s.",
          static_cast<double>(counts.over_budget.load()));
  gauge(out, "sts_packed_policy_percent",
        "The largest share of what a session may carry that a policy took.",
        counts.packed_policy_percent.load());
}

}  // namespace

void Metrics::refused(std::string_view listener, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  std::pair<std::string, std::string> key(listener, reason);
  if (refusals_.size() >= kMaxReasons && !refusals_.contains(key)) key.second = "other";
  ++refusals_[std::move(key)];
}

std::string Metrics::text(const Health& health, Timestamp now) const {
  const Counts counts = requests_.sum();
  Families out;
  out.reserve(64);  // family() hands out references
  add_requests(out, counts);
  add_per_listener(out, counts, requests_);
  add_exchanges(out, counts);
  {
    auto& to = family(out, "refusals_total", "Requests whose caller was refused, by reason.",
                      MetricType::Counter);
    const std::lock_guard lock(mutex_);
    for (const auto& [key, count] : refusals_)
      add(to, {label("listener", key.first), label("reason", key.second)},
          static_cast<double>(count));
  }
  counter(out, "corrupt_objects_total", "Reads that met stored bytes which do not authenticate.",
          static_cast<double>(corrupt_objects_.load(std::memory_order_relaxed)));
  if (sts_ != nullptr) add_sts(out, *sts_);
  if (bodies_)
    gauge(out, "http_body_bytes", "Memory that the bodies of requests in flight take.",
          static_cast<double>(bodies_->held()));
  if (health.exporting) {
    add_intake(out, intake_);
    add_export(out, *health.exporting);
  }
  add_disk(out, health);
  add_keys(out, health, now);
  add_state(out, health, now);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out);
  return text.str();
}

}  // namespace valetkey::server
