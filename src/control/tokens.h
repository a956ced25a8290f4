// SPDX-License-Identifier: Apache-2.0
// Personal access tokens as they are made and stored; base/token_form.h has their form.
#pragma once

#include <string_view>

#include "base/crypto.h"
#include "base/secret.h"
#include "base/token_form.h"

namespace valetkey::control {

Secret make_token();                             // from the system's random source
Digest256 token_digest(std::string_view token);  // what is stored

}  // namespace valetkey::control
