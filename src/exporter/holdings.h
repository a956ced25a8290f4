// SPDX-License-Identifier: Apache-2.0
// What this node owns of the export's work, renewed by a thread of its own. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/steady_clock.h"
#include "exporter/owners.h"

namespace valetkey::exporter {

inline constexpr std::chrono::seconds kPatience{60};

class Holdings final : public Ownership {
 public:
  Holdings(Owners& owners, NodeState self, std::vector<Work> all, const Clock& clock,
           const SteadyClock& steady = SteadyClock::system());
  ~Holdings() override { stop(); }
  Holdings(const Holdings&) = delete;
  Holdings& operator=(const Holdings&) = delete;

  // Before start(). Each renewal asks until the answer is a success: till then the others see a node that cannot work,
  // and it takes nothing.
  void share_once(std::function<Result<void>()> may_share) { may_share_ = std::move(may_share); }
  void start();
  void stop();  // gives everything up
  // Once; start() does it again and again.
  Result<void> renew();

  // Of each attempt to export. Where they fail for kPatience, the node offers its work to others, and tries again after a
  // while, later and later.
  void note_export(bool worked);

  // What is not among all that is shared belongs to the owner of the days.
  bool holds(Work work) const override;
  // Changes when a work was gained: what an exporter remembers of it may be out of date.
  std::uint64_t gained() const;
  std::uint64_t gained_days() const;

 private:
  bool is_fresh() const;  // under the lock
  bool is_fit();          // under the lock
  void run();
  void ask_to_share();

  Owners& owners_;
  const NodeState self_;
  const std::vector<Work> all_;
  const Clock& clock_;
  const SteadyClock& steady_;

  std::function<Result<void>()> may_share_;  // none, or none any more: it shares
  std::string refused_;                      // its last answer

  mutable std::mutex mutex_;
  std::set<Work> held_,
      surplus_;  // surplus_: not worked on any more, and given up at the next renewal
  // When the last renewal that succeeded was begun, by both clocks: one may stand still while the machine sleeps.
  SteadyClock::Instant renewed_;
  Timestamp renewed_at_;
  bool ever_ = false;
  std::uint64_t gained_ = 0, gained_days_ = 0;
  bool failing_ = false;  // to renew
  std::optional<SteadyClock::Instant> exports_fail_since_, unfit_until_, fit_since_;
  std::chrono::minutes pause_{0};
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace valetkey::exporter
