// SPDX-License-Identifier: Apache-2.0
// For tests: the service with a log that events go to, and what it counts.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/intake.h"
#include "api/testing/service_fixture.h"
#include "base/testing/faulty_calls.h"
#include "events/event.h"
#include "events/file_log.h"
#include "events/testing/faulty_log.h"

namespace valetkey::api {

class Counts final : public IntakeHooks {
 public:
  void received(const AccountId& account, std::uint64_t events, std::uint64_t bytes) override {
    const std::lock_guard lock(mutex_);
    received_[account.str()] += events;
    bytes_ += bytes;
  }
  void dropped(std::string_view account, std::string_view reason, std::uint64_t count) override {
    const std::lock_guard lock(mutex_);
    dropped_[fmt::format("{}:{}", account, reason)] += count;
  }
  void altered(const AccountId& account, std::string_view reason, std::uint64_t count) override {
    const std::lock_guard lock(mutex_);
    altered_[fmt::format("{}:{}", account.str(), reason)] += count;
  }
  void unknown(std::string_view named, std::uint64_t events) override {
    const std::lock_guard lock(mutex_);
    unknown_[std::string(named)] += events;
  }
  const std::map<std::string, std::uint64_t>& all_altered() const { return altered_; }
  const std::map<std::string, std::uint64_t>& all_unknown() const { return unknown_; }
  const std::map<std::string, std::uint64_t>& all_received() const { return received_; }
  const std::map<std::string, std::uint64_t>& all_dropped() const { return dropped_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> received_, dropped_, altered_, unknown_;
  std::uint64_t bytes_ = 0;
};

// Keeps the routes of what is appended, and leaves it unanswered if it is silent.
class RecordingLog final : public events::EventLog {
 public:
  explicit RecordingLog(EventLog& inner) : inner_(inner) {}
  bool silent = false;
  std::vector<std::pair<std::string, std::string>> routes;  // account and visitor of each append
  void append(const events::Route& route, std::string records, std::size_t count,
              Done done) override {
    routes.emplace_back(route.account, route.visitor);
    if (!silent) inner_.append(route, std::move(records), count, std::move(done));
  }
  unsigned partitions() const override { return inner_.partitions(); }
  bool routed(unsigned p) const override { return inner_.routed(p); }
  Result<std::unique_ptr<events::LogReader>> open(unsigned p, events::Offset from) override {
    return inner_.open(p, from);
  }
  Result<void> release(unsigned p, events::Offset before) override {
    return inner_.release(p, before);
  }
  Result<void> rotate() override { return inner_.rotate(); }
  Result<events::LogStats> stats(unsigned p) const override { return inner_.stats(p); }

 private:
  EventLog& inner_;
};

inline std::string click(std::string_view uuid) {
  return fmt::format(R"({{"uuid":"{}","timestamp":1,"key":"click"}})", uuid);
}
inline std::string body_of(std::string_view events, std::string_view account = "12") {
  return fmt::format(
      R"({{"account_id":"{}","visitors":[{{"visitor_id":"v","snapshots":[{{"events":[{}]}}]}}]}})",
      account, events);
}

class IntakeTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  IntakeTest() { fixture_.use_log(&log_, &counts_); }
  Ask ask(std::string body, Headers headers = {}) const {
    return {.method = http::Method::post,
            .target = "/v1/events",
            .headers = std::move(headers),
            .body = std::move(body)};
  }
  Reply send(std::string body, Headers headers = {}) {
    return fixture_.call(ask(std::move(body), std::move(headers)));
  }
  void set_policy(const control::AccountPolicy& policy) {
    ASSERT_TRUE(fixture_.sqlite().set_policy(account_, policy, fixture_.now()));
    fixture_.feed().poll();
  }
  // What the log holds, of each account in order.
  std::vector<events::Event> kept() {
    held_.clear();
    std::uint64_t count = 0;
    for (unsigned partition = 0; partition < log_.partitions(); ++partition) {
      const auto reader = log_.open(partition, 0).value();
      while (const auto more = reader->next(held_)->count) count += more;
    }
    std::vector<events::Event> all;
    for (std::size_t at = 0; at < held_.size();) {
      events::Event event;
      if (!events::decode_event(held_, at, event)) break;
      all.push_back(event);
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }

  TemporaryFolder folder_;
  const AccountId account_ = AccountId::parse("12").value();
  ServiceFixture fixture_;
  Counts counts_;
  std::unique_ptr<events::EventLog> file_ =
      events::open_file_log({.folder = folder_.path() / "events"}, fixture_.keys(),
                            fixture_.clock())
          .value();
  FaultyCalls log_calls_;
  events::FaultyLog faulty_{*file_, log_calls_};
  RecordingLog log_{faulty_};
  std::string held_;
};

}  // namespace valetkey::api
