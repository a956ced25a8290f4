// SPDX-License-Identifier: Apache-2.0
// Invitations to the web console: a code whose one use sets a person's password. Only its digest is
// stored; the code travels behind the '#' of an address, which no server sees.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/secret.h"
#include "control/control_store.h"

namespace valetkey::control {

inline constexpr std::chrono::hours kInvitationLives{72};

// Ends the one that the user was given before.
Result<Secret> make_invitation(ControlStore& store, const UserId& user, Timestamp now);
Digest256 invitation_digest(std::string_view code);
// "https://console.example.com/welcome#CODE"
std::string welcome_url(std::string_view console_url, const Secret& code);

}  // namespace valetkey::control
