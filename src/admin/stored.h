// SPDX-License-Identifier: Apache-2.0
// What an account's export holds.
#pragma once

#include "api/account_usage.h"
#include "storage/object_store.h"

namespace valetkey::admin {

// Adds up the listing, a page at a time; blocks, about a second for a million objects.
Result<api::Stored> stored_of(storage::ObjectStore& objects, const AccountId& account);

}  // namespace valetkey::admin
