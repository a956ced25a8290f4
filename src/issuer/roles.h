// SPDX-License-Identifier: Apache-2.0
// What an engine keeps of an account beside its data: the roles that sessions are of. One
// implementation for each kind of engine. Thread-safe; every call may block.
#pragma once

#include <memory>
#include <string>

#include "access/credentials.h"
#include "aws/iam.h"
#include "aws/kept_keys.h"
#include "control/control_store.h"

namespace valetkey::issuer {

class Roles {
 public:
  virtual ~Roles() = default;
  // Makes and repairs the account's role, with `policy` as its bound.
  virtual Result<void> open(const AccountId& account, const std::string& role_arn,
                            const std::string& policy, Timestamp now) = 0;
  virtual Result<access::CutOff> cut(const access::Cut& cut, const std::string& role_arn,
                                     Timestamp now) = 0;
};

struct RolesParts {
  aws::Iam iam;
  aws::KeptKeys& keys;
};

// A role for each account. There the policy of a session is no bound: its holder can shake it off.
// Cutting off removes the role, and with it, for good, all sessions of the account.
std::unique_ptr<Roles> make_ceph_roles(RolesParts parts, const std::string& trusted_user_arn,
                                       seconds longest_session);

// One role for all, which the operator keeps; cutting off denies what was issued until now to the
// account's or the token's sessions, by their tags, in a policy of this role. The policy can only be
// replaced as a whole, so what it is to be is in `store` first, which all nodes share and outlives it.
std::unique_ptr<Roles> make_aws_roles(RolesParts parts, control::ControlStore& store,
                                      seconds longest_session);

// No roles at all, and no way to cut off: sessions live to their end.
std::unique_ptr<Roles> make_no_roles();

}  // namespace valetkey::issuer
