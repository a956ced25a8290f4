// SPDX-License-Identifier: Apache-2.0
#include "storage/small_contents.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace valetkey::storage {
namespace {

constexpr std::size_t kFewestSlots = 16;

}  // namespace

SmallContents::SmallContents() {
  constexpr std::size_t kBytes = kSlots * kMaxBytes;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  memory_ = static_cast<char*>(memory);
  if (madvise(memory, kBytes, MADV_DONTDUMP) != 0) return;
  // Pages count once they are touched, but the limit is on the range.
  for (std::size_t slots = kSlots; slots >= kFewestSlots && slots_ == 0; slots /= 2)
    if (mlock2(memory, slots * kMaxBytes, MLOCK_ONFAULT) == 0) slots_ = slots;
  id_of_slot_.resize(slots_);
  for (std::size_t slot = 0; slot < slots_; ++slot) free_.push_back(slot);
}

SmallContents::~SmallContents() {
  entries_.clear();
  if (memory_ != nullptr) munmap(memory_, kSlots * kMaxBytes);
}

SmallContents::Held SmallContents::find(const ObjectId& id, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return nullptr;
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  found->second.found = true;
  return found->second.content;
}

void SmallContents::insert(const ObjectId& id, std::uint64_t generation, std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMaxBytes) return;
  const std::lock_guard lock(mutex_);
  if (generation != generation_ || entries_.contains(id)) return;
  auto slot = take_slot();
  if (!slot) {
    evict_one();
    slot = take_slot();
  }
  if (!slot) return;  // readers hold all of them
  char* place = memory_ + *slot * kMaxBytes;
  std::memcpy(place, bytes.data(), bytes.size());
  id_of_slot_[*slot] = id;
  const std::string_view copy(place, bytes.size());
  entries_.emplace(id, Entry{std::make_shared<const Content>(*this, *slot, copy)});
}

void SmallContents::follow(std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation <= generation_) return;
  generation_ = generation;
  entries_.clear();
}

std::optional<std::size_t> SmallContents::take_slot() {
  const std::lock_guard lock(free_mutex_);
  if (free_.empty()) return std::nullopt;
  const std::size_t slot = free_.back();
  free_.pop_back();
  return slot;
}

// The first slot under the hand whose content nobody found since the hand last came by.
void SmallContents::evict_one() {
  for (std::size_t step = 0; step < 2 * slots_; ++step) {
    const auto entry = entries_.find(id_of_slot_[hand_]);
    hand_ = (hand_ + 1) % slots_;
    if (entry == entries_.end() || std::exchange(entry->second.found, false)) continue;
    entries_.erase(entry);
    return;
  }
}

void SmallContents::give_back(std::size_t slot, std::size_t bytes) {
  explicit_bzero(memory_ + slot * kMaxBytes, bytes);
  const std::lock_guard lock(free_mutex_);
  free_.push_back(slot);
}

}  // namespace valetkey::storage
