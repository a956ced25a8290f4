// SPDX-License-Identifier: Apache-2.0
// Where the data of an account lies at an engine: texts in which {account} stands for its id. Pure.
#pragma once

#include <string>
#include <string_view>

#include "access/credentials.h"
#include "base/ids.h"
#include "control/control_store.h"

namespace valetkey::issuer {

// `text` with the id in place of each {account}. `invalid` where another brace stands in it.
Result<std::string> fill(std::string_view text, const AccountId& account);

struct Templates {
  std::string bucket, prefix;
  std::string role_arn;
};

// What they give for the account; its own bucket and prefix, where its policy names them, come
// first. `invalid`, with the sentence, where the outcome cannot stand in a policy.
Result<access::Place> place_of(const Templates& templates, const control::AccountPolicy& policy,
                               const AccountId& account);

// Whether the templates tell accounts apart: a prefix and a bucket without {account} would open
// everything to everybody. `invalid` otherwise, and for what no account could use.
Result<void> check_templates(const Templates& templates, bool role_per_account);

}  // namespace valetkey::issuer
