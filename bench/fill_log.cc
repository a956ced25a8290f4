// SPDX-License-Identifier: Apache-2.0
// Puts events into the log of a data folder that nobody serves, through the intake's parser but
// without HTTP; with FOLDER their rows also go to FOLDER/decisions.ndjson and conversions.ndjson.
// usage: fill_log DATA_DIR EVENTS PARTITIONS ACCOUNTS [FOLDER]
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <semaphore>

#include "admin/engines.h"
#include "events/event.h"
#include "events/intake.h"
#include "fill.h"
#include "sdk_events.h"

namespace valetkey::bench {
namespace {

constexpr std::size_t kBodies = 100;  // a batch
constexpr std::ptrdiff_t kInFlight = 16;

// Rows as NDJSON. Our own texts need no escapes.
class Rows {
 public:
  explicit Rows(const std::filesystem::path& folder) {
    for (auto* file : {&decisions_, &conversions_})
      file->exceptions(std::ios::failbit | std::ios::badbit);
    decisions_.open(folder / "decisions.ndjson");
    conversions_.open(folder / "conversions.ndjson");
  }

  void add(std::string_view records) {
    for (std::size_t at = 0; at < records.size();) {
      must(events::decode_event(records, at, event_));
      if (event_.kind == events::EventKind::conversion) {
        conversion();
        continue;
      }
      for (const auto& decision : event_.decisions) this->decision(decision);
    }
  }

 private:
  static std::string text(const events::Text& text) {
    return text ? fmt::format(R"("{}")", *text) : "null";
  }
  std::string attributes() const {
    std::string out;
    for (const auto& a : event_.attributes)
      out += fmt::format(R"({}{{"id":{},"name":{},"type":{},"value":{}}})", out.empty() ? "" : ",",
                         text(a.id), text(a.name), text(a.type), text(a.value));
    return "[" + out + "]";
  }
  std::string tags() const {
    std::string out;
    for (const auto& t : event_.tags)
      out += fmt::format(R"({}"{}":{})", out.empty() ? "" : ",", t.key, text(t.value));
    return "{" + out + "}";
  }
  std::string shared_front() const {
    return fmt::format(
        R"("uuid":"{}","timestamp":{},"process_timestamp":{},"visitor_id":"{}","session_id":{},"account_id":"{}")",
        event_.uuid, epoch_ms(event_.timestamp), epoch_ms(event_.received), event_.visitor_id,
        text(event_.session_id), event_.account_id);
  }
  std::string shared_back() const {
    return fmt::format(
        R"("attributes":{},"user_ip":{},"user_agent":{},"referer":{},"revision":{},"client_engine":{},"client_version":{})",
        attributes(), text(event_.user_ip), text(event_.user_agent), text(event_.referer),
        text(event_.revision), text(event_.client_engine), text(event_.client_version));
  }
  void decision(const events::Decision& d) {
    decisions_ << fmt::format(
        R"({{{},"campaign_id":{},"experiment_id":{},"variation_id":{},"is_holdback":{},{}}})"
        "\n",
        shared_front(), text(d.campaign_id), text(d.experiment_id), text(d.variation_id),
        d.is_holdback ? (*d.is_holdback ? "true" : "false") : "null", shared_back());
  }
  void conversion() {
    const auto number = [](const auto& n) { return n ? fmt::to_string(*n) : "null"; };
    conversions_ << fmt::format(
        R"({{{},"experiments":[],"entity_id":{},"event_type":{},"event_name":{},"revenue":{},"value":{},"quantity":{},"tags":{},{}}})"
        "\n",
        shared_front(), text(event_.entity_id), text(event_.event_type), text(event_.event_name),
        number(event_.revenue), number(event_.value), number(event_.quantity), tags(),
        shared_back());
  }

  std::ofstream decisions_, conversions_;
  events::Event event_;
};

// Requests of one account go together; bodies go round the accounts.
void fill(events::EventLog& log, std::uint64_t count, std::uint64_t accounts, SdkBody& body,
          Timestamp now, Rows* rows) {
  std::counting_semaphore<> room(kInFlight);
  const events::IntakeContext context{now, "127.0.0.1", "bench", ""};
  struct Stretch {
    std::string account, visitor, records;
    std::size_t events = 0;
  };
  std::vector<Stretch> stretches(accounts);
  const auto append = [&](Stretch& stretch) {
    if (stretch.events == 0) return;
    if (rows != nullptr) rows->add(stretch.records);
    room.acquire();
    log.append({stretch.account, stretch.visitor}, std::move(stretch.records), stretch.events,
               [&room](const Result<void>& stored) {
                 if (!stored) std::exit(4);
                 room.release();
               });
    stretch = {};
  };
  for (std::uint64_t first = 0, bodies = 0; first < count; first += SdkBody::kEvents, ++bodies) {
    auto parsed = events::parse_events(body.fill(first), context, true);
    if (!parsed) std::exit(3);
    auto& stretch = stretches[bodies % accounts];
    stretch.account = std::move(parsed->account_id);
    stretch.visitor = std::move(parsed->visitor);
    stretch.records += parsed->records;
    stretch.events += parsed->events;
    if (stretch.events >= kBodies * SdkBody::kEvents) append(stretch);
  }
  for (auto& stretch : stretches) append(stretch);
  for (std::ptrdiff_t i = 0; i < kInFlight; ++i) room.acquire();
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey;
  using namespace valetkey::bench;
  if (argc < 5) {
    std::fputs("usage: fill_log DATA_DIR EVENTS PARTITIONS ACCOUNTS [FOLDER]\n", stderr);
    return 2;
  }
  const SystemClock clock;
  const auto context = context_of(argv[1], clock);
  const auto keys = must(context.open_keys());
  const auto objects = must(context.open_objects(*keys));
  const auto ledger = must(context.open_ledger());
  config::Config config;
  config.intake.max_waiting_bytes = 1ull << 40;
  const admin::Engines engines(config, {}, context.data_dir, clock);
  const auto log = must(engines.open_log(*ledger, *keys));
  const auto accounts = std::strtoull(argv[4], nullptr, 10);
  SdkBody body(std::random_device{}() * 0x9e3779b97f4a7c15ull, std::strtoull(argv[3], nullptr, 10),
               epoch_ms(clock.now()), accounts);
  std::optional<Rows> rows;
  if (argc > 5) rows.emplace(argv[5]);
  fill(*log, std::strtoull(argv[2], nullptr, 10), accounts, body, clock.now(),
       rows ? &*rows : nullptr);
}
