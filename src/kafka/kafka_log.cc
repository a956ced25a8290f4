// SPDX-License-Identifier: Apache-2.0
#include "kafka/kafka_log.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <optional>
#include <shared_mutex>

#include "base/log.h"
#include "kafka/internal/offsets.h"
#include "kafka/internal/producer.h"
#include "kafka/internal/reader.h"
#include "kafka/internal/topic.h"

namespace valetkey::kafka {
namespace {

using events::Offset;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{200};
constexpr int kEndsMs = 2000;   // a question for the ends
constexpr int kReachMs = 1000;  // and one whether anybody is there
// Without an answer for so long, events are refused at once: they would wait for nothing.
constexpr std::chrono::seconds kAway{4};
// Ends that are older are none. Longer than Kafka takes to find another leader.
constexpr std::chrono::seconds kStale{15};
constexpr std::chrono::seconds kReleaseTogether{60};
constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::milliseconds kPlacing{3000};
constexpr std::chrono::seconds kBeginAgain{2};  // where the topic could not be opened yet

// What one partition may forget, and when.
struct Release {
  Offset before = 0;
  Timestamp asked, last_asked;
};

class KafkaLog final : public events::EventLog {
 public:
  KafkaLog(LogOptions options, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        bounds_(options_.partitions),
        releases_(options_.partitions) {}
  ~KafkaLog() override {
    if (watching_.joinable()) {
      watching_.request_stop();
      watching_.join();
    }
  }
  KafkaLog(const KafkaLog&) = delete;
  KafkaLog& operator=(const KafkaLog&) = delete;

  Result<void> start() {
    const Settings settings{{"auto.offset.reset", "error"}};
    VALETKEY_TRY(client_, Client::make(RD_KAFKA_CONSUMER, options_.connection, settings));
    if (auto begun = begin(); !begun) {
      if (!options_.may_wait || begun.error().code != ErrorCode::unavailable) return begun;
      note(begun);
    }
    watching_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    return {};
  }

  void append(const events::Route& route, std::string records, std::size_t count,
              Done done) override {
    const auto partition = partition_of(route, partitions(), 1);
    if (!begun_) return done(not_begun());
    if (since(reached_) > kAway)
      return done(fail(ErrorCode::unavailable, "no broker of Kafka answers"));
    const std::shared_lock guard(producer_mutex_);
    producer_->send(partition, records, count, std::move(done));
  }

  unsigned partitions() const override { return options_.partitions; }

  Result<std::unique_ptr<events::LogReader>> open(unsigned partition, Offset from) override {
    if (!begun_) return not_begun();
    VALETKEY_TRY(const auto begin, read_begin(*client_, options_.topic, partition));
    bounds_.raise_begin(partition, begin);
    if (from < bounds_.begin(partition))
      return fail(ErrorCode::not_found,
                  fmt::format("the events of partition {} of the topic {} from {} on are gone: it "
                              "begins at {}",
                              partition, options_.topic, from, begin));
    return readers_.open(partition, from);
  }

  Result<void> release(unsigned partition, Offset before) override {
    const auto now = clock_.now();
    {
      const std::lock_guard guard(releases_mutex_);
      auto& waiting = releases_[partition];
      if (!waiting.empty() && now - waiting.back().asked < kReleaseTogether) {
        waiting.back().before = std::max(waiting.back().before, before);
        waiting.back().last_asked = now;
      } else {
        waiting.push_back({before, now, now});
      }
    }
    return options_.release_after.count() > 0 ? Result<void>() : release_due();
  }

  Result<events::LogStats> stats(unsigned partition) const override {
    if (!begun_) return not_begun();
    for (auto left = kPlacing / kPause; unplaced_.load() >= looked_.load() && left > 0; --left)
      std::this_thread::sleep_for(kPause);
    if (since(looked_) > kStale || unplaced_.load() >= looked_.load())
      return fail(ErrorCode::unavailable, problem());
    events::LogStats out{.end = bounds_.end(partition), .set_aside = damaged_};
    if (since(reached_) > kAway) out.problem = problem();
    return out;
  }

 private:
  using Moment = std::atomic<SteadyClock::time_point>;
  static SteadyClock::duration since(const Moment& it) { return SteadyClock::now() - it.load(); }

  std::unexpected<Error> not_begun() const { return fail(ErrorCode::unavailable, problem()); }

  std::string problem() const {
    const std::lock_guard guard(problem_mutex_);
    return problem_.empty() ? "no broker of Kafka answers" : problem_;
  }

  Result<std::unique_ptr<Producer>> open_producer() {
    return Producer::open(options_, topic_.message_bytes,
                          [this](unsigned partition, std::optional<Offset> end) {
                            reached_ = SteadyClock::now();
                            if (end)
                              bounds_.raise_end(partition, *end);
                            else
                              unplaced_ = SteadyClock::now();
                          });
  }

  // --- the watching thread, or the one that opens the log, before there is one ---

  // What must be so before anything is taken or given.
  Result<void> begin() {
    VALETKEY_TRY(topic_, open_topic(*client_, options_));
    VALETKEY_CHECK(look_patiently());
    std::vector<Offset> ends(partitions());
    for (unsigned partition = 0; partition < ends.size(); ++partition)
      ends[partition] = bounds_.end(partition);
    if (options_.accept) VALETKEY_CHECK(options_.accept(ends));
    VALETKEY_TRY(producer_, open_producer());
    begun_ = true;
    return {};
  }

  void watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    const auto pause = [&]() -> std::chrono::milliseconds { return begun_ ? kLook : kBeginAgain; };
    while (!wake.wait_for(lock, stop, pause(), [&] { return stop.stop_requested(); })) {
      if (!begun_) {
        note(begin());
        continue;
      }
      note(look());
      mend_producer();
      if (const auto released = release_due(); !released && reachable_)
        log::warn("kafka", "what was exported cannot be released yet",
                  {{"why", released.error().detail}});
      if (stop.stop_requested()) return;
    }
  }

  // A topic that was just made has no leaders at once, and partitions may be between two.
  Result<void> look_patiently() {
    const auto until = SteadyClock::now() + kStale;
    auto looked = look();
    while (!looked && SteadyClock::now() < until) {
      std::this_thread::sleep_for(kLook);
      looked = look();
    }
    return looked;
  }

  Result<void> look() {
    const auto began = SteadyClock::now();
    const auto ends = read_ends(*client_, options_.topic, partitions(), kEndsMs);
    if (!ends) {
      // A partition between two leaders keeps nobody from sending to the others.
      if (reach(*client_, options_.topic, kReachMs)) reached_ = SteadyClock::now();
      return std::unexpected(ends.error());
    }
    for (unsigned partition = 0; partition < ends->size(); ++partition)
      bounds_.raise_end(partition, (*ends)[partition]);
    looked_ = began;
    reached_ = SteadyClock::now();
    return {};
  }

  void note(const Result<void>& looked) {
    const std::lock_guard guard(problem_mutex_);
    const auto former = std::exchange(problem_, looked ? "" : looked.error().detail);
    if (!looked && !begun_ && looked.error().code != ErrorCode::unavailable) {
      reachable_ = false;
      if (problem_ != former)
        log::error("kafka", "the topic is refused, and so are events", {{"why", problem_}});
      return;
    }
    const bool now = begun_ && since(reached_) <= kAway;
    if (now == std::exchange(reachable_, now)) return;
    if (now)
      log::info("kafka", "brokers answer again, and events are taken");
    else
      log::error("kafka", "no broker answers, and events are refused", {{"why", problem_}});
  }

  void mend_producer() {
    if (!producer_->is_broken()) return;
    auto fresh = open_producer();
    if (!fresh) return log::error("kafka", "no producer", {{"why", fresh.error().detail}});
    {
      const std::unique_lock guard(producer_mutex_);
      std::swap(producer_, *fresh);
    }
    // The former one ends here, with what it still had.
  }

  Result<void> release_due() {
    if (!begun_) return {};
    const auto latest = clock_.now() - options_.release_after;
    std::map<unsigned, Offset> due;
    {
      const std::lock_guard guard(releases_mutex_);
      for (unsigned partition = 0; partition < releases_.size(); ++partition)
        for (const auto& each : releases_[partition])
          if (each.last_asked <= latest) due[partition] = std::max(due[partition], each.before);
    }
    for (auto& [partition, before] : due) before = std::min(before, bounds_.end(partition));
    std::erase_if(due, [&](const auto& each) { return each.second <= bounds_.begin(each.first); });
    if (!due.empty()) VALETKEY_CHECK(delete_before(*client_, options_.topic, due));
    for (const auto& [partition, before] : due) bounds_.raise_begin(partition, before);
    const std::lock_guard guard(releases_mutex_);
    for (unsigned partition = 0; partition < releases_.size(); ++partition)
      std::erase_if(releases_[partition], [&](const Release& each) {
        return each.last_asked <= latest &&
               std::min(each.before, bounds_.end(partition)) <= bounds_.begin(partition);
      });
    return {};
  }

  const LogOptions options_;
  const Clock& clock_;
  Bounds bounds_;
  std::atomic<std::uint64_t> damaged_ = 0;
  // When the ends were asked for that are known; when a broker answered; when something was acknowledged without its
  // place, so that ends of before may be too low.
  Moment looked_{}, reached_{}, unplaced_{};
  bool reachable_ = true;            // the watching thread's
  std::atomic<bool> begun_ = false;  // what begin() sets up is there

  mutable std::mutex problem_mutex_;
  std::string problem_;

  std::mutex releases_mutex_;
  std::vector<std::deque<Release>> releases_;

  std::unique_ptr<Client> client_;
  Topic topic_;
  Readers readers_{Reading{options_, bounds_, damaged_}};
  std::shared_mutex producer_mutex_;
  std::unique_ptr<Producer> producer_;
  std::jthread watching_;
};

}  // namespace

Result<std::unique_ptr<events::EventLog>> open_log(LogOptions options, const Clock& clock) {
  auto log = std::make_unique<KafkaLog>(std::move(options), clock);
  VALETKEY_CHECK(log->start());
  return log;
}

}  // namespace valetkey::kafka
