// SPDX-License-Identifier: Apache-2.0
// What /metrics shows, in Prometheus' text form. Labels come from fixed sets: never accounts,
// users, keys of objects or paths. Thread-safe. docs/operations.md lists every metric.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/body_memory.h"
#include "issuer/sts_issuer.h"
#include "server/health.h"
#include "server/intake_counters.h"
#include "server/request_counters.h"

namespace valetkey::server {

class Metrics {
 public:
  RequestCounters& requests() { return requests_; }
  IntakeCounters& intake() { return intake_; }
  // Before text() may be called.
  void watch(std::shared_ptr<const http::BodyMemory> bodies) { bodies_ = std::move(bodies); }
  void watch(const issuer::StsCounts& counts) { sts_ = &counts; }
  // `reason` comes from our own enumerations; beyond 64 different ones they count as "other".
  void refused(std::string_view listener, std::string_view reason);
  void corrupt_object() { corrupt_objects_.fetch_add(1, std::memory_order_relaxed); }
  // The whole document.
  std::string text(const Health& health, Timestamp now) const;

 private:
  RequestCounters requests_;
  IntakeCounters intake_;
  std::shared_ptr<const http::BodyMemory> bodies_;
  const issuer::StsCounts* sts_ = nullptr;  // null: no STS is asked
  std::atomic<std::uint64_t> corrupt_objects_{0};
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> refusals_;  // (listener, reason)
};

}  // namespace valetkey::server
