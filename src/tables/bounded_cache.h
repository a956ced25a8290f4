// SPDX-License-Identifier: Apache-2.0
// Values by name, at most so many bytes of them: what was asked for longest ago goes first. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace valetkey::tables {

template <class Value>
class BoundedCache {
 public:
  explicit BoundedCache(std::size_t max_cost) : max_cost_(max_cost) {}

  // Null: not here.
  std::shared_ptr<const Value> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  // What costs more than everything may is not kept.
  void insert(const std::string& name, std::shared_ptr<const Value> value, std::size_t cost) {
    const std::lock_guard lock(mutex_);
    put(name, std::move(value), cost);
  }
  // Kept only where there is room beside what is here.
  void offer(const std::string& name, std::shared_ptr<const Value> value, std::size_t cost) {
    const std::lock_guard lock(mutex_);
    if (cost_ + cost <= max_cost_) put(name, std::move(value), cost);
  }

 private:
  void put(const std::string& name, std::shared_ptr<const Value> value, std::size_t cost) {
    erase(name);
    if (cost > max_cost_) return;
    entries_.push_front({name, std::move(value), cost});
    by_name_[name] = entries_.begin();
    cost_ += cost;
    while (cost_ > max_cost_) erase(std::string(entries_.back().name));
  }

  struct Entry {
    std::string name;
    std::shared_ptr<const Value> value;
    std::size_t cost;
  };
  void erase(const std::string& name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return;
    cost_ -= found->second->cost;
    entries_.erase(found->second);
    by_name_.erase(found);
  }

  const std::size_t max_cost_;
  std::mutex mutex_;
  std::size_t cost_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<std::string, typename std::list<Entry>::iterator> by_name_;
};

}  // namespace valetkey::tables
