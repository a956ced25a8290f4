// SPDX-License-Identifier: Apache-2.0
#include "console/provider.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"
#include "console/internal/away.h"
#include "console/internal/parameters.h"

namespace valetkey::console {
namespace {

// Back to the page, with a word that it puts into a sentence; the cookie has done its duty.
Reply back_with(std::string_view reason) {
  return {.status = 303,
          .sign_in = std::string(),
          .location = std::string("/sign-in#oidc=").append(reason)};
}

std::string_view name_of(oidc::Refusal refusal) {
  switch (refusal) {
    case oidc::Refusal::expired:
      return "expired";
    case oidc::Refusal::unverified:
      return "unverified";
    case oidc::Refusal::failed:
      break;
  }
  return "failed";
}

void report(const oidc::Refused& refused, const Call& call) {
  log::warn("console", "a sign-in at the identity provider failed",
            {{"why", refused.detail}, {"request", call.request_id}});
}

}  // namespace

std::string safe_next(std::string_view wanted) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/-_.=&?%~").contains(c);
  };
  // "//host" and "/\host" are other hosts.
  if (!wanted.starts_with('/') || wanted.starts_with("//") || wanted.size() > 1024 ||
      !std::ranges::all_of(wanted, plain))
    return "/";
  return std::string(wanted);
}

Answer<Reply> Provider::start(const Call& call) {
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  auto begun = party_.begin(call.now);
  if (!begun) {
    report(begun.error(), call);
    return back_with(name_of(begun.error().refusal));
  }
  std::string away = std::move(begun->url);
  VALETKEY_TRY(auto cookie, or_hide(seal_away(*keys_.get(),
                                              {.begun = std::move(*begun),
                                               .next = safe_next(parameters.text("next")),
                                               .session = make_token_id(),
                                               .left = call.now},
                                              call.now),
                                    "sealing a sign-in", call));
  return Reply{.status = 302, .sign_in = std::move(cookie), .location = std::move(away)};
}

Answer<Reply> Provider::finish(const Call& call) {
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  const auto away = open_away(*keys_.get(), call.cookie, call.now);
  if (!away || !equal_in_constant_time(away->begun.state, parameters.text("state")))
    return back_with("expired");
  if (!parameters.text("error").empty()) return back_with("denied");
  const auto person = party_.finish(parameters.text("code"), away->begun, call.now);
  if (!person) {
    report(person.error(), call);
    return back_with(name_of(person.error().refusal));
  }
  const auto user = store_.user_by_email(person->email);
  if (!user && user.error().code != ErrorCode::not_found && user.error().code != ErrorCode::invalid)
    return std::unexpected(api::hidden_failure(user.error(), "reading a user", call.request_id));
  if (!user || user->state != control::UserState::active) return back_with("unknown_user");
  auto opened = sign_in_.open_session(call, *user, "session.create", away->session);
  if (!opened && opened.error().code == ProblemCode::conflict) return back_with("expired");
  if (!opened && opened.error().code == ProblemCode::forbidden) return back_with("unknown_user");
  if (!opened) return std::unexpected(opened.error());
  return Reply{.status = 303,
               .session = std::move(opened->session),
               .sign_in = std::string(),
               .location = away->next};
}

}  // namespace valetkey::console
