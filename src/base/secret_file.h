// SPDX-License-Identifier: Apache-2.0
// A password, or a client's secret, in a file that an operator hands over.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/secret.h"

namespace valetkey {

// The first line, without its end, of at most 4,096 bytes. `denied` where others than its owner and
// group may read the file, `invalid` where it holds nothing; each says what to do.
Result<Secret> read_secret_file(const std::filesystem::path& path);

}  // namespace valetkey
