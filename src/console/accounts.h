// SPDX-License-Identifier: Apache-2.0
// The installation for its operators: accounts with their figures, and how the server is. Never a
// row of a tenant's data. Thread-safe; every call blocks.
#pragma once

#include <functional>
#include <optional>

#include "access/end_of_sessions.h"
#include "api/account_usage.h"
#include "console/activity.h"
#include "console/call.h"
#include "console/people.h"
#include "control/audit.h"

namespace valetkey::console {

class Fields;

// How the server is, as the operator's page shows it; the program that wires it knows.
using DescribeServer = std::function<boost::json::object(Timestamp now)>;

class Accounts {
 public:
  struct Parts {
    control::ControlStore& store;
    control::ChangeFeed& feed;
    control::AuditLog& audit;
    People& people;
    ReadSums stored;
    DescribeServer describe;
    access::CredentialIssuer& issuer;
    milliseconds longest_session{};
  };
  explicit Accounts(Parts parts) : parts_(std::move(parts)) {}
  Answer<Reply> server(const Call& call);
  Answer<Reply> list(const Call& call);
  Answer<Reply> create(const Call& call);  // {id, name, admin}
  Answer<Reply> show(const Call& call);
  Answer<Reply> change(const Call& call);  // {name, state, retention_days}

 private:
  Answer<control::Account> find(const Call& call);
  Answer<boost::json::object> describe(const Call& call, const control::Account& account);
  Answer<AccountId> choose_id(const Call& call, const std::string& wanted);
  Answer<void> set_name(const Call& call, const AccountId& account, const Fields& fields);
  Answer<void> set_retention(const Call& call, const AccountId& account, const Fields& fields);
  // What became of the sessions of one that is suspended.
  Answer<std::optional<access::EndOfSessions>> set_state(const Call& call, const AccountId& account,
                                                         const Fields& fields);
  Answer<access::EndOfSessions> end_sessions(const Call& call, const AccountId& account);
  Answer<void> record(const Call& call, std::string_view action, const AccountId& account,
                      std::string_view detail = {});

  Parts parts_;
};

}  // namespace valetkey::console
