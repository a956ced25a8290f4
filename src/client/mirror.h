// SPDX-License-Identifier: Apache-2.0
// A folder made to hold what an export lists. One loop.
#pragma once

#include <vector>

#include "client/fetch.h"
#include "client/folder.h"

namespace valetkey::client {

// Those of the listed objects that the folder does not hold. Begins `totals` anew.
Result<std::vector<ListedObject>> missing_in(Folder& folder,
                                             const std::vector<ListedObject>& listed,
                                             TransferTotals& totals);

// Fetches them into the folder. What arrived before an error is kept, and known to the next run.
http::Task<Result<void>> bring(Export& data, Folder& folder, std::vector<ListedObject> missing,
                               FetchOptions options, TransferTotals& totals);

}  // namespace valetkey::client
