// SPDX-License-Identifier: Apache-2.0
#include "access/revocation.h"

namespace valetkey::access {

bool RevocationCheck::revoked(const Claims& claims) const {
  // The generation first: the feed publishes the snapshot before it, so this one is as new or
  // newer.
  auto& snapshot = snapshots_.get(feed_.generation());
  if (!snapshot) snapshot = feed_.revocations();
  return snapshot->refuse(claims.account, claims.user, claims.token, claims.issued);
}

}  // namespace valetkey::access
