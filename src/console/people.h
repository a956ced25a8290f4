// SPDX-License-Identifier: Apache-2.0
// The people of an account, for its admins: who there is, whom to invite, what each may do, and what
// ends when that changes. Nobody here reaches another account: its people do not exist. Thread-safe;
// every call blocks.
#pragma once

#include <string>

#include "console/call.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "limits/pace.h"

namespace valetkey::console {

boost::json::object person_document(const control::Person& person, const UserId& reader);

class People {
 public:
  struct Parts {
    control::ControlStore& store;
    control::ChangeFeed& feed;
    control::AuditLog& audit;
  };
  // `console_url`: where invitations lead; empty: to the host that was asked.
  People(Parts parts, std::string console_url)
      : parts_(parts), console_url_(std::move(console_url)), rates_(1, std::chrono::seconds(60)) {}

  Answer<Reply> list(const Call& call);
  Answer<Reply> invite(const Call& call);        // {email, role}
  Answer<Reply> invite_again(const Call& call);  // of ids[0]
  Answer<Reply> ends(const Call& call);          // ?change=disable, member or sign-out
  Answer<Reply> change(const Call& call);        // {role} or {state}
  Answer<Reply> sign_out(const Call& call);

  // For an operator, too: an invitation of somebody who exists, as a document.
  Answer<boost::json::object> invitation_of(const Call& call, const control::User& user);

 private:
  Answer<control::User> find(const Call& call);
  Answer<control::Person> person(const Call& call, const UserId& id);
  Answer<Reply> with_invitation(const Call& call, const control::User& user);
  Answer<Reply> set_role(const Call& call, const control::User& user, const std::string& text);
  Answer<Reply> set_state(const Call& call, const control::User& user, const std::string& text);
  Answer<Reply> changed(const Call& call, const control::User& user, std::string_view action,
                        const std::vector<control::Token>& ended);
  Answer<void> keep_an_admin(const Call& call, const control::User& user);
  Answer<void> record(const Call& call, std::string_view action, const std::string& subject);

  Parts parts_;
  std::string console_url_;
  limits::Rates rates_;  // of invitations, by account
};

}  // namespace valetkey::console
