// SPDX-License-Identifier: Apache-2.0
#include "access/revocation.h"

#include "access/internal/instance.h"

namespace valetkey::access {
namespace {

struct Snapshot {
  std::uint64_t instance = 0;
  std::uint64_t generation = 0;
  std::shared_ptr<const control::Revocations> revocations;  // shared: all threads read one
};

}  // namespace

RevocationCheck::RevocationCheck(const control::ChangeFeed& feed)
    : feed_(feed), instance_(next_instance()) {}

bool RevocationCheck::revoked(const Claims& claims) const {
  thread_local Snapshot snapshot;
  // The generation first: the feed publishes the snapshot before it, so this one is as new or
  // newer.
  const std::uint64_t generation = feed_.generation();
  if (snapshot.instance != instance_ || snapshot.generation != generation)
    snapshot = {instance_, generation, feed_.revocations()};
  return snapshot.revocations->refuse(claims.account, claims.user, claims.token, claims.issued);
}

}  // namespace valetkey::access
