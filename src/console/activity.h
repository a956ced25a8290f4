// SPDX-License-Identifier: Apache-2.0
// What happened, from the audit log, and what was used. Members see what they and their tokens did.
// Thread-safe; every call blocks, for as long as the records asked about take to read.
#pragma once

#include "api/account_usage.h"
#include "console/call.h"

namespace valetkey::console {

// What an account's export holds; nothing where this server would have to list a foreign bucket for it.
using ReadSums = std::function<Result<std::optional<api::Stored>>(const AccountId&)>;

class Activity {
 public:
  Activity(control::ControlStore& store, control::ReadAudit audit, ReadSums stored)
      : store_(store), audit_(std::move(audit)), stored_(std::move(stored)) {}
  // ?action= &user= (an address) &since= &until= (days) &limit= &before= (the answer's `next`)
  Answer<Reply> list(const Call& call);
  Answer<Reply> usage(const Call& call);  // ?since= &until=

 private:
  struct Wanted;
  Answer<Wanted> read_wanted(const Call& call);
  Answer<void> narrow_to(const Call& call, const control::User& user, control::AuditFilter& filter);

  control::ControlStore& store_;
  control::ReadAudit audit_;
  ReadSums stored_;
};

}  // namespace valetkey::console
