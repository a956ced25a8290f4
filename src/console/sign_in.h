// SPDX-License-Identifier: Apache-2.0
// How a person comes in and goes out: password, invitation, web sessions. Thread-safe; every call
// blocks. Failures are counted by address block, and by account and block, never by account alone:
// else anybody could lock anybody out.
#pragma once

#include "console/call.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "limits/failure_limiter.h"

namespace valetkey::console {

inline constexpr std::chrono::hours kSessionSlides{12};
inline constexpr std::chrono::days kSessionLives{7};

// The session, as its own person is shown it.
boost::json::object session_document(const control::WebSession& session);

class SignIn {
 public:
  struct Parts {
    control::ControlStore& store;
    control::ChangeFeed& feed;
    control::AuditLog& audit;
  };
  SignIn(Parts parts, const limits::LimiterOptions& limits, bool takes_passwords);

  // Whose cookie it is, its end moved on; unauthenticated otherwise.
  Answer<Who> find(std::string_view cookie, const Call& call);

  Answer<Reply> sign_in(const Call& call);
  Answer<Reply> show_invitation(const Call& call);
  Answer<Reply> accept_invitation(const Call& call);
  Answer<Reply> show(const Call& call);
  Answer<Reply> sign_out(const Call& call);
  Answer<Reply> list(const Call& call);
  Answer<Reply> end(const Call& call);
  Answer<Reply> end_all(const Call& call);
  Answer<Reply> change_password(const Call& call);

  // A session for a user who has proved to be one; `how` is the audit's action. With an `id` once
  // only: a conflict the second time.
  Answer<Reply> open_session(const Call& call, const control::User& user, std::string_view how,
                             const std::optional<TokenId>& id = {});

 private:
  Answer<control::WebSession> create(const Call& call, const control::User& user,
                                     const std::optional<TokenId>& id, Reply& reply);
  std::optional<Problem> over_limit(const Call& call, std::string_view email);
  std::unexpected<Problem> failed(const Call& call, std::string_view email, std::string_view why);
  Answer<void> record(const Call& call, std::string_view action, const control::User& user,
                      std::string_view subject);

  Parts parts_;
  bool takes_passwords_;
  limits::FailureLimiter blocks_;
  limits::FailureLimiter accounts_;  // each with the block
};

}  // namespace valetkey::console
