// SPDX-License-Identifier: Apache-2.0
#include "events/joined_log.h"

#include <utility>

namespace valetkey::events {
namespace {

class JoinedLog final : public EventLog {
 public:
  JoinedLog(std::unique_ptr<EventLog> former, std::unique_ptr<EventLog> present)
      : former_(std::move(former)), present_(std::move(present)) {}

  void append(const Route& route, std::string records, std::size_t count, Done done) override {
    present_->append(route, std::move(records), count, std::move(done));
  }
  unsigned partitions() const override { return former_->partitions() + present_->partitions(); }
  bool routed(unsigned partition) const override {
    return partition >= former_->partitions() && present_->routed(in_present(partition));
  }
  Result<std::unique_ptr<LogReader>> open(unsigned partition, Offset from) override {
    if (partition < former_->partitions()) return former_->open(partition, from);
    return present_->open(in_present(partition), from);
  }
  Result<void> release(unsigned partition, Offset before) override {
    if (partition < former_->partitions()) return former_->release(partition, before);
    return present_->release(in_present(partition), before);
  }
  Result<void> rotate() override {
    VALETKEY_CHECK(former_->rotate());
    return present_->rotate();
  }
  // Damage is counted of the whole log; events are refused where the second refuses them.
  Result<LogStats> stats(unsigned partition) const override {
    const bool is_former = partition < former_->partitions();
    VALETKEY_TRY(auto out,
                 is_former ? former_->stats(partition) : present_->stats(in_present(partition)));
    const auto other = is_former ? present_->stats(0) : former_->stats(0);
    if (other) out.set_aside += other->set_aside;
    // What lies in the first is read while the second is away.
    if (is_former) out.problem = other ? other->problem : other.error().detail;
    return out;
  }

 private:
  unsigned in_present(unsigned partition) const { return partition - former_->partitions(); }
  const std::unique_ptr<EventLog> former_, present_;
};

}  // namespace

std::unique_ptr<EventLog> join_logs(std::unique_ptr<EventLog> former,
                                    std::unique_ptr<EventLog> present) {
  return std::make_unique<JoinedLog>(std::move(former), std::move(present));
}

}  // namespace valetkey::events
