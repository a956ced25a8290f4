// SPDX-License-Identifier: Apache-2.0
#include "console/provider.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"
#include "console/parameters.h"

namespace valetkey::console {
namespace {

constexpr std::chrono::minutes kAwayAtMost{10};

std::string digest_of(std::string_view cookie) { return sha256_hex(cookie); }

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
  const std::string cookie = random_base62(32);
  Reply reply{.status = 302, .sign_in = cookie, .location = begun->url};
  keep({std::move(*begun), digest_of(cookie), safe_next(parameters.text("next")), call.now});
  return reply;
}

void Provider::keep(Away away) {
  const std::lock_guard lock(mutex_);
  if (order_.size() >= kMaxAway) {
    away_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(away.begun.state);
  away_.insert_or_assign(order_.back(), std::move(away));
}

// A browser that comes back with a state has used it up, even if it is another browser.
std::optional<Provider::Away> Provider::take(const std::string& state, std::string_view cookie,
                                             Timestamp now) {
  const std::lock_guard lock(mutex_);
  const auto found = away_.find(state);
  if (found == away_.end()) return std::nullopt;
  Away away = std::move(found->second);
  away_.erase(found);
  if (now - away.left > kAwayAtMost || !equal_in_constant_time(away.browser, digest_of(cookie)))
    return std::nullopt;
  return away;
}

Answer<Reply> Provider::finish(const Call& call) {
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  const auto away = take(parameters.text("state"), call.cookie, call.now);
  if (!away) return back_with("expired");
  if (!parameters.text("error").empty()) return back_with("denied");
  const auto person = party_.finish(parameters.text("code"), away->begun, call.now);
  if (!person) {
    report(person.error(), call);
    return back_with(name_of(person.error().refusal));
  }
  const auto user = store_.user_by_email(person->email);
  if (!user && user.error().code != ErrorCode::not_found && user.error().code != ErrorCode::invalid)
    return std::unexpected(api::hide(user.error(), "reading a user", call.request_id));
  if (!user || user->state != control::UserState::active) return back_with("unknown_user");
  auto opened = sign_in_.open_session(call, *user, "session.create");
  if (!opened && opened.error().code == ProblemCode::forbidden) return back_with("unknown_user");
  if (!opened) return std::unexpected(opened.error());
  return Reply{.status = 303,
               .session = std::move(opened->session),
               .sign_in = std::string(),
               .location = away->next};
}

}  // namespace valetkey::console
