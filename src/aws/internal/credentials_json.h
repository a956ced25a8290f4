// SPDX-License-Identifier: Apache-2.0
// The JSON documents that hold AWS credentials. Pure.
#pragma once

#include <string_view>

#include "aws/source.h"

namespace valetkey::aws {

enum class KeysForm : std::uint8_t {
  process,   // of credential_process: Version 1, SessionToken
  endpoint,  // of containers and instances: Token; Code, where it is there, is Success
};

// `corrupt`, in one sentence without a byte of the document, for anything else than credentials.
// Those of an endpoint expire; those of a process may last.
Result<OwnKeys> parse_keys(std::string_view document, KeysForm form);

}  // namespace valetkey::aws
