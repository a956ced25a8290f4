// SPDX-License-Identifier: Apache-2.0
// What an account stores and uses: for its admin over REST, and for the operator's command, as the
// same document. Every call blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "api/problem.h"
#include "api/tokens.h"
#include "control/control_store.h"

namespace valetkey::api {

struct Stored {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};
// What the account's export holds now; blocks for as long as its listing takes.
using ReadStored = std::function<Result<Stored>(const AccountId&)>;

// UTC days, both included.
struct Days {
  Date since = Date::min();
  Date until = Date::max();
};
// `since` and `until` of a query, each once at most; unknown parameters are ignored.
Answer<Days> read_days(std::string_view query);

// `days` are all of that account. `stored` null: nobody here added it up.
boost::json::object usage_document(const AccountId& account, const std::optional<Stored>& stored,
                                   const std::vector<control::DayOfUsage>& days);
control::UsageCounts sum_of(const std::vector<control::DayOfUsage>& days);

class AccountUsage {
 public:
  AccountUsage(control::ControlStore& store, ReadStored stored)
      : store_(store), stored_(std::move(stored)) {}
  // JSON, for a token of an admin that has the scope `tokens`.
  Answer<std::string> read(const Caller& caller, std::string_view query) const;

 private:
  control::ControlStore& store_;
  ReadStored stored_;
};

}  // namespace valetkey::api
