// SPDX-License-Identifier: Apache-2.0
// Where AWS keeps the services of a region. Pure.
#pragma once

#include <string>
#include <string_view>

#include "aws/source.h"

namespace valetkey::aws {

struct Partition {
  std::string_view name;    // "aws", of ARNs
  std::string_view domain;  // "amazonaws.com"
};
Partition partition_of(std::string_view region);

// A regional endpoint, never the global one, whose tokens opt-in regions refuse.
std::string sts_endpoint(std::string_view region);
std::string s3_endpoint(std::string_view region);
// AWS_ENDPOINT_URL_STS, then AWS_ENDPOINT_URL, then the region's.
std::string sts_endpoint(std::string_view region, const Environment& env);

}  // namespace valetkey::aws
