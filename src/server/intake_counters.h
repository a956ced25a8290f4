// SPDX-License-Identifier: Apache-2.0
// What became of the events that were sent, for /metrics and `export status`. Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "api/intake.h"
#include "exporter/ledger.h"

namespace valetkey::server {

class IntakeCounters final : public api::IntakeHooks {
 public:
  void received(const AccountId& account, std::uint64_t events, std::uint64_t bytes) override;
  // Beyond 64 different reasons they count as "other". Only accounts that exist are named, so there
  // is an end to those.
  void dropped(std::string_view account, std::string_view reason, std::uint64_t count) override;

  void altered(const AccountId& account, std::string_view reason, std::uint64_t count) override;
  void unknown(std::string_view named, std::uint64_t events) override;

  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::map<std::string, std::uint64_t, std::less<>> drops() const;        // by reason
  std::map<std::string, std::uint64_t, std::less<>> alterations() const;  // by reason
  // Since this was called last: the caller writes them down, or gives them back.
  exporter::IntakeLosses take_losses();
  void give_back(exporter::IntakeLosses losses);

 private:
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> bytes_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> drops_, alterations_;
  exporter::IntakeLosses losses_;
};

}  // namespace valetkey::server
