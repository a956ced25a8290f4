// SPDX-License-Identifier: Apache-2.0
#include "control/invitation.h"

namespace valetkey::control {
namespace {

constexpr std::size_t kCodeCharacters = 32;  // 190 bits: nobody guesses one

}  // namespace

Result<Secret> make_invitation(ControlStore& store, const UserId& user, Timestamp now) {
  const Secret code(random_base62(kCodeCharacters));
  const Digest256 digest = invitation_digest(code.reveal());
  VALETKEY_CHECK(store.invite(user, as_text(digest), now + kInvitationLives));
  return code;
}

Digest256 invitation_digest(std::string_view code) { return sha256(code); }

std::string welcome_url(std::string_view console_url, const Secret& code) {
  while (console_url.ends_with('/')) console_url.remove_suffix(1);
  return std::string(console_url).append("/welcome#").append(code.reveal());
}

}  // namespace valetkey::control
