// SPDX-License-Identifier: Apache-2.0
// Which keyring is a data folder's: DIR/keyring.id holds the fingerprints of the keys that were used
// with it. With a foreign keyring nothing can be read, and what is written would be sealed under
// keys that its owner does not have. docs/formats.md, "Keyring id".
#pragma once

#include "admin/command_context.h"

namespace valetkey::admin {

// Refuses (`denied`) a keyring that is not the one of the session's data folder, or is an older copy
// that lacks a key; notes the new keys of the right one. A folder without the file takes the keyring
// that opens what is stored in it, or any while it is empty.
Result<void> bind_keyring(const CommandContext& context, const Keyring& keyring);

}  // namespace valetkey::admin
