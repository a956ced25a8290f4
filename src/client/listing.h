// SPDX-License-Identifier: Apache-2.0
// One page of ListObjectsV2, and S3's errors. Pure: XML in, values out.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::client {

inline constexpr std::size_t kMaxListingBytes = 8 << 20;  // 1000 keys of 1 KiB, escaped

struct ListedObject {
  std::string key;
  std::string etag;  // without quotes
  std::uint64_t size = 0;
  Timestamp modified;
};

struct ListingPage {
  std::vector<ListedObject> objects;
  std::vector<std::string> common_prefixes;
  std::string continuation;  // empty: the last page
};

// Reads the answer to a request with encoding-type=url; every key and prefix is decoded.
// `corrupt` for anything else, a page that promises more without saying where included.
Result<ListingPage> parse_listing(std::string_view xml);

struct S3Fault {
  std::string code;     // "ExpiredToken"; empty where the body is no S3 error
  std::string message;  // printable, bounded
};
S3Fault parse_fault(std::string_view xml);

// The MD5 that an ETag states, as 32 lower-case hex digits; empty for one that states none ("…-N").
std::string md5_of_etag(std::string_view etag);

}  // namespace valetkey::client
