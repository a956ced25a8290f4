// SPDX-License-Identifier: Apache-2.0
#include "control/revocations.h"

#include <functional>

namespace valetkey::control {
namespace {

// User and token ids are random and made by the server, account ids are chosen by the operator: no
// tenant can make them meet in one shard.
std::size_t hash_of(std::string_view subject) { return std::hash<std::string_view>()(subject); }

}  // namespace

const Timestamp* Revocations::find(std::string_view subject) const {
  const auto& shard = shards_[hash_of(subject) % kShards];
  if (!shard) return nullptr;
  const auto found = shard->find(subject);
  return found == shard->end() ? nullptr : &found->second;
}

bool Revocations::refuse(const AccountId& account, const UserId& user, const TokenId& token,
                         Timestamp issued) const {
  const auto refused = [&](const std::string& id) {
    const Timestamp* not_before = find(id);
    return not_before != nullptr && issued < *not_before;
  };
  return refused(account.str()) || refused(user.str()) || refused(token.str());
}

bool Revocations::contains(std::string_view subject) const { return find(subject) != nullptr; }

std::size_t Revocations::size() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) sum += shard ? shard->size() : 0;
  return sum;
}

Revocations Revocations::with(const std::vector<Revocation>& changed) const {
  Revocations out = *this;
  std::map<std::size_t, std::shared_ptr<Shard>> written;  // each shard is copied once
  for (const Revocation& revocation : changed) {
    const std::size_t place = hash_of(revocation.subject) % kShards;
    std::shared_ptr<Shard>& shard = written[place];
    if (!shard) {
      shard = shards_[place] ? std::make_shared<Shard>(*shards_[place]) : std::make_shared<Shard>();
      out.shards_[place] = shard;
    }
    shard->insert_or_assign(revocation.subject, revocation.not_before);
  }
  return out;
}

}  // namespace valetkey::control
