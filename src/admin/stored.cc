// SPDX-License-Identifier: Apache-2.0
#include "admin/stored.h"

#include "layout/part_key.h"

namespace valetkey::admin {

Result<api::Stored> stored_of(storage::ObjectStore& objects, const AccountId& account) {
  api::Stored sum;
  storage::ListQuery query{
      .prefix = layout::account_prefix(account), .delimiter = {}, .start_after = {}};
  while (true) {
    VALETKEY_TRY(const storage::ListPage page, objects.list(query));
    for (const storage::ListEntry& entry : page.entries) sum.bytes += entry.info.size;
    sum.objects += page.entries.size();
    if (!page.truncated || page.entries.empty()) return sum;
    query.start_after = page.entries.back().info.key;
  }
}

}  // namespace valetkey::admin
