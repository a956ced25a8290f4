// SPDX-License-Identifier: Apache-2.0
#include "http/body_memory.h"

#include <limits>
#include <utility>

namespace valetkey::http {

std::size_t BodyMemory::held() const {
  const std::lock_guard lock(mutex_);
  return all_.held;
}

bool BodyMemory::hold(Share& share, std::size_t bytes, Time now) {
  const std::lock_guard lock(mutex_);
  if (share.is_cut_) return false;
  if (bytes <= share.bytes_) return true;
  const std::size_t more = bytes - share.bytes_;
  if (!all_.has_room(more) || (share.block_ != nullptr && !share.block_->has_room(more))) {
    unlist(share);  // who waits for us has not stalled
    if (share.block_ != nullptr) make_room(*share.block_, more, now);
    make_room(all_, more, now);
    return false;
  }
  if (!share.Hook<OfAll>::is_linked()) enlist(share, now);
  share.bytes_ = bytes;
  all_.held += more;
  if (share.block_ != nullptr) share.block_->held += more;
  return true;
}

// Cuts what has stalled, oldest first, until enough is about to be given back.
template <class Tag>
void BodyMemory::make_room(Pool<Tag>& pool, std::size_t more, Time now) {
  while (!pool.reading.empty() && pool.held - pool.leaving + more > pool.max) {
    Share& oldest = pool.reading.front();
    if (now - oldest.stepped_ < limits_.patience) break;
    cut(oldest);
  }
}

void BodyMemory::cut(Share& share) {
  share.is_cut_ = true;
  unlist(share);
  all_.leaving += share.bytes_;
  if (share.block_ != nullptr) share.block_->leaving += share.bytes_;
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
  unlist(share);
  all_.held -= share.bytes_;
  if (share.is_cut_) all_.leaving -= share.bytes_;
  if (share.block_ == nullptr) return;
  share.block_->held -= share.bytes_;
  if (share.is_cut_) share.block_->leaving -= share.bytes_;
  if (--share.block_->holders == 0) blocks_.erase(share.block_key_);
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
  memory_.unlist(*this);
}

bool BodyMemory::Share::is_cut() const {
  const std::lock_guard lock(memory_.mutex_);
  return is_cut_;
}

}  // namespace valetkey::http
