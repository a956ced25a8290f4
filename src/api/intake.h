// SPDX-License-Identifier: Apache-2.0
// POST /v1/events: events of SDKs and browsers into the event log. Answers 204 only when they are
// durable. Requests carry no token: the body names an account, which is held to its policy. Called on
// every loop at once; thread-safe. Serves this one path, on the API's listener or one of its own.
// Source: docs/guide.md, "Send events"; openapi.json.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "access/usage.h"
#include "api/intake_accounts.h"
#include "api/options.h"
#include "api/problem.h"
#include "api/turns.h"
#include "base/ids.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "events/intake.h"
#include "http/async.h"
#include "http/server.h"

namespace valetkey::api {

// Gets what became of events, for metrics. Called on any thread: must be thread-safe and not block.
class IntakeHooks {
 public:
  virtual ~IntakeHooks() = default;
  // Durable, of one request; `bytes` of its body, unzipped.
  virtual void received(const AccountId& account, std::uint64_t events, std::uint64_t bytes) = 0;
  // `account` is empty where the request named none that exists. `reason` is one of a fixed list:
  // the names of events::Drop for what was dropped; unknown_account, suspended_account (dropped
  // too, or refused in strict mode); malformed, too_large, forbidden, rate_limit, daily_limit,
  // unavailable for what was refused as a whole: a client may send that again. `count` is of
  // events, or 1 where they could not be counted.
  virtual void dropped(std::string_view account, std::string_view reason, std::uint64_t count) = 0;
  // Fields that lost something, of events that are kept; the names of events::Alteration.
  virtual void altered(const AccountId& account, std::string_view reason, std::uint64_t count) = 0;
  // Events whose account does not exist, also counted as dropped. `named` is what stood in its
  // place: at most 40 characters of printable ASCII, "" if there was nothing.
  virtual void unknown(std::string_view named, std::uint64_t events) = 0;
};

// What the intake stands on; all of it outlives the intake. The log must be destroyed before the
// loops: it finishes what it was given, and a late answer is posted to them.
struct IntakeParts {
  control::ControlStore& store;
  const control::ChangeFeed& feed;
  events::EventLog& log;
  IntakeHooks* hooks = nullptr;
  access::Usage* usage = nullptr;  // null: usage is not counted
};

class Intake final : public http::Handler {
 public:
  // `options` must outlive it.
  Intake(IntakeParts parts, http::asio::thread_pool& blocking, const Options& options);
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  struct Body {
    events::Intake intake;
    std::size_t bytes = 0;  // unzipped
  };
  using Account = std::shared_ptr<const IntakeAccount>;  // shared with caches

  // `note` gets the account, and the reason for events that were dropped without a refusal.
  http::Task<Answer<void>> take(const http::Request& request, http::Note& note);
  http::Task<Answer<Body>> read(const http::Request& request);
  Answer<Body> parse(const http::Request& request, bool zipped);
  http::Task<Answer<Account>> look_up(const http::Request& request, const std::string& id);
  Answer<void> admit(const http::Request& request, const Body& body, const IntakeAccount& account);
  Answer<void> meter(const http::Request& request, const Body& body, const IntakeAccount& account);
  http::Task<Answer<void>> store(const http::Request& request, Body body);
  void complain(const http::Request& request, std::string_view detail);
  void count_losses(const events::Intake& intake) const;
  void count_unknown(const http::Request& request, std::string_view named, std::uint64_t events);
  std::unexpected<Problem> drop(Problem problem, std::string_view account, std::string_view reason,
                                std::uint64_t count) const;

  const Options& options_;
  http::asio::thread_pool& blocking_;
  const control::ChangeFeed& feed_;
  events::EventLog& log_;
  IntakeHooks* hooks_;
  access::Usage* usage_;
  IntakeAccounts accounts_;
  std::atomic<std::int64_t> complained_ms_ = 0;  // when the log was last said to fail
  std::atomic<std::int64_t> warned_ms_ = 0;      // of events of accounts that do not exist
  std::atomic<std::uint64_t> unknown_ = 0;       // such events since
  Turns look_ups_{64};
  Turns large_bodies_{2};  // of the pool's threads: the others are for everything else
};

}  // namespace valetkey::api
