// SPDX-License-Identifier: Apache-2.0
// A store over a bucket with all that it stands on: connections and credentials.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "aws/source.h"
#include "base/clock.h"
#include "storage/object_store.h"

namespace valetkey::bucket {

struct Settings {
  std::string endpoint{};  // empty: AWS's of the region
  std::string region = "us-east-1";
  std::string bucket{}, internal_bucket{};
  std::string profile{};  // of AWS's files; empty: the SDKs' order
  std::string encryption{}, kms_key_id{};
  std::string ca_file{};
};

// `invalid` for what no bucket could be. Temporary files go below `data_dir`. Sends no request yet;
// `clock` outlives it.
Result<std::unique_ptr<storage::ObjectStore>> open_bucket(const Settings& settings,
                                                          const std::filesystem::path& data_dir,
                                                          aws::Environment env, const Clock& clock);

}  // namespace valetkey::bucket
