// SPDX-License-Identifier: Apache-2.0
#include "client/mirror.h"

namespace valetkey::client {

Result<std::vector<ListedObject>> missing_in(Folder& folder,
                                             const std::vector<ListedObject>& listed,
                                             TransferTotals& totals) {
  totals = {};
  std::vector<ListedObject> missing;
  for (const ListedObject& object : listed) {
    VALETKEY_TRY(const bool held, folder.holds(object));
    if (held) {
      ++totals.unchanged;
      continue;
    }
    ++totals.files;
    totals.bytes += object.size;
    missing.push_back(object);
  }
  return missing;
}

http::Task<Result<void>> bring(Export& data, Folder& folder, std::vector<ListedObject> missing,
                               FetchOptions options, TransferTotals& totals) {
  auto fetched = co_await fetch(data, folder, std::move(missing), std::move(options), totals);
  auto finished = folder.finish();
  co_return fetched ? std::move(finished) : std::move(fetched);
}

}  // namespace valetkey::client
