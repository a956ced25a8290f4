// SPDX-License-Identifier: Apache-2.0
// An event log whose n-th call fails, for tests: of the log or of one of its readers. An append that fails may have
// kept its events all the same, as behind a broken connection. Other failing calls do not reach the log that it wraps.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/testing/faulty_calls.h"
#include "events/event_log.h"

namespace valetkey::events {

class FaultyLog final : public EventLog {
 public:
  FaultyLog(EventLog& inner, FaultyCalls& calls) : inner_(inner), calls_(calls) {}
  bool keeps_what_fails = false;

  void append(const Route& route, std::string records, std::size_t count, Done done) override {
    auto counted = calls_.count();
    if (counted) return inner_.append(route, std::move(records), count, std::move(done));
    if (!keeps_what_fails) return done(std::move(counted));
    inner_.append(route, std::move(records), count,
                  [done = std::move(done), counted](const Result<void>&) { done(counted); });
  }
  unsigned partitions() const override { return inner_.partitions(); }
  bool routed(unsigned partition) const override { return inner_.routed(partition); }
  Result<std::unique_ptr<LogReader>> open(unsigned partition, Offset from) override {
    VALETKEY_CHECK(calls_.count());
    VALETKEY_TRY(auto reader, inner_.open(partition, from));
    return std::make_unique<Reader>(std::move(reader), calls_);
  }
  Result<void> release(unsigned partition, Offset before) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.release(partition, before);
  }
  Result<void> rotate() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.rotate();
  }
  Result<LogStats> stats(unsigned partition) const override {
    VALETKEY_CHECK(calls_.count());
    return inner_.stats(partition);
  }

 private:
  class Reader final : public LogReader {
   public:
    Reader(std::unique_ptr<LogReader> inner, FaultyCalls& calls)
        : inner_(std::move(inner)), calls_(calls) {}
    Result<LogPiece> next(std::string& records, Offset until) override {
      VALETKEY_CHECK(calls_.count());
      return inner_->next(records, until);
    }

   private:
    std::unique_ptr<LogReader> inner_;
    FaultyCalls& calls_;
  };
  EventLog& inner_;
  FaultyCalls& calls_;
};

}  // namespace valetkey::events
