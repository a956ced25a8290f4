// SPDX-License-Identifier: Apache-2.0
#include "http/body_memory.h"

#include <limits>
#include <utility>

namespace valetkey::http {

std::size_t BodyMemory::held() const {
  const std::lock_guard lock(mutex_);
  return all_.held;
}

template <class Do>
void BodyMemory::in_pools(Share& share, Do what) {
  what(all_);
  if (share.block_ != nullptr) what(*share.block_);
}

// What the smallest of those that wait needs is kept for it: else many that grow would take it.
template <class Tag>
bool BodyMemory::has_room(const Pool<Tag>& pool, const Share& share, std::size_t bytes) {
  std::size_t more = bytes - share.bytes_;
  if (more > pool.max) return false;
  if (!pool.waiting.empty()) {
    const auto& [wanted, first] = *pool.waiting.begin();
    if (first != &share && wanted < bytes) more += wanted - first->bytes_;
  }
  return more <= pool.max && pool.held <= pool.max - more;
}

bool BodyMemory::hold(Share& share, std::size_t bytes, Time now) {
  const std::lock_guard lock(mutex_);
  if (share.is_cut_) return false;
  if (bytes <= share.bytes_) return true;
  if (!has_room(all_, share, bytes) ||
      (share.block_ != nullptr && !has_room(*share.block_, share, bytes))) {
    unlist(share);  // who waits for us has not stalled
    wait(share, bytes);
    in_pools(share, [&](auto& pool) { make_room(pool, share, bytes, now); });
    return false;
  }
  stop_waiting(share);
  if (!share.Hook<OfAll>::is_linked()) enlist(share, now);
  set_bytes(share, bytes);
  return true;
}

// Cuts what has stalled, oldest first, and then what is quiet and larger, until enough is about to
// be given back.
template <class Tag>
void BodyMemory::make_room(Pool<Tag>& pool, const Share& share, std::size_t bytes, Time now) {
  const std::size_t more = bytes - share.bytes_;
  while (pool.held - pool.leaving + more > pool.max) {
    Share* victim = pool.reading.empty() ? nullptr : &pool.reading.front();
    if (victim != nullptr && now - victim->stepped_ < limits_.patience) victim = nullptr;
    if (victim == nullptr) victim = quiet_and_larger(pool, bytes, now);
    if (victim == nullptr) break;
    cut(*victim);
  }
}

template <class Tag>
BodyMemory::Share* BodyMemory::quiet_and_larger(const Pool<Tag>& pool, std::size_t bytes,
                                                Time now) const {
  int looks = 16;  // what goes on and is that large fills the pool with a few
  for (auto at = pool.incomplete.rbegin();
       at != pool.incomplete.rend() && at->first > bytes && looks-- > 0; ++at)
    if (at->second->wanted_ != 0 || now - at->second->stepped_ >= limits_.quick_patience)
      return at->second;
  return nullptr;
}

void BodyMemory::set_bytes(Share& share, std::size_t bytes) {
  in_pools(share, [&](auto& pool) {
    pool.incomplete.erase({share.bytes_, &share});
    pool.incomplete.emplace(bytes, &share);
    pool.held += bytes - share.bytes_;
  });
  share.bytes_ = bytes;
}

void BodyMemory::wait(Share& share, std::size_t wanted) {
  if (share.wanted_ == wanted) return;
  stop_waiting(share);
  share.wanted_ = wanted;
  in_pools(share, [&](auto& pool) { pool.waiting.emplace(wanted, &share); });
}

void BodyMemory::stop_waiting(Share& share) {
  if (share.wanted_ == 0) return;
  in_pools(share, [&](auto& pool) { pool.waiting.erase({share.wanted_, &share}); });
  share.wanted_ = 0;
}

// It is complete, cut or over: nobody may cut it any more.
void BodyMemory::stop_reading(Share& share) {
  unlist(share);
  stop_waiting(share);
  in_pools(share, [&](auto& pool) { pool.incomplete.erase({share.bytes_, &share}); });
}

void BodyMemory::cut(Share& share) {
  share.is_cut_ = true;
  stop_reading(share);
  in_pools(share, [&](auto& pool) { pool.leaving += share.bytes_; });
  share.cut_();
}

void BodyMemory::enlist(Share& share, Time now) {
  share.stepped_ = now;
  all_.reading.push_back(share);
  if (share.block_ != nullptr) share.block_->reading.push_back(share);
}

void BodyMemory::unlist(Share& share) {
  if (!share.Hook<OfAll>::is_linked()) return;
  all_.reading.erase(all_.reading.iterator_to(share));
  if (share.block_ != nullptr)
    share.block_->reading.erase(share.block_->reading.iterator_to(share));
}

void BodyMemory::release(Share& share) {
  const std::lock_guard lock(mutex_);
  stop_reading(share);
  in_pools(share, [&](auto& pool) {
    pool.held -= share.bytes_;
    if (share.is_cut_) pool.leaving -= share.bytes_;
  });
  if (share.block_ != nullptr && --share.block_->holders == 0) blocks_.erase(share.block_key_);
}

BodyMemory::Share::Share(BodyMemory& memory, const Address* block, std::function<void()> cut)
    : memory_(memory), cut_(std::move(cut)) {
  if (block == nullptr || memory.limits_.max_bytes_per_block == 0) return;
  const std::lock_guard lock(memory.mutex_);
  block_key_ = block->bytes;
  block_ = &memory.blocks_[block_key_];
  block_->max = memory.limits_.max_bytes_per_block;
  ++block_->holders;
}

void BodyMemory::Share::advance(std::size_t received, Time now) {
  if (received - step_at_ < kStep) return;
  step_at_ = received;
  const std::lock_guard lock(memory_.mutex_);
  if (is_cut_) return;
  memory_.unlist(*this);
  memory_.enlist(*this, now);
}

void BodyMemory::Share::settle() {
  const std::lock_guard lock(memory_.mutex_);
  memory_.stop_reading(*this);
}

bool BodyMemory::Share::is_cut() const {
  const std::lock_guard lock(memory_.mutex_);
  return is_cut_;
}

}  // namespace valetkey::http
