// SPDX-License-Identifier: Apache-2.0
// ListObjects (version 1) and ListObjectsV2. Plain code: list_objects() asks the store, so it may
// block. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and
// API_ListObjects.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/keyring.h"
#include "s3/authorize.h"
#include "s3/error.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

inline constexpr std::uint64_t kMaxKeys = 1000;

// The parameters of a listing, checked.
struct ListRequest {
  std::string bucket;
  std::string account;
  bool version_2 = false;
  bool url_encoding = false;
  bool owner = false;                 // V2: fetch-owner; V1 always tells
  std::uint64_t max_keys = kMaxKeys;  // as it is echoed: at most 1000
  std::string prefix;                 // inside the scope
  std::string delimiter;
  std::string marker;                             // V1
  std::optional<std::string> start_after;         // V2
  std::optional<std::string> continuation_token;  // V2; as received, to be echoed
  std::string after;             // entries strictly behind it: what the three above come to
  std::uint64_t generation = 0;  // of the index; 0: now
};

// 400 InvalidArgument for a bad list-type, max-keys, encoding-type or continuation token.
Answer<ListRequest> read_list_request(const Authorized& authorized, const Keyring& keyring,
                                      Timestamp now);
// The body of the answer. Blocks.
Answer<std::string> list_objects(storage::ObjectStore& store, const Keyring& keyring,
                                 const ListRequest& request, Timestamp now);
// `next_token`: of V2, if the page is truncated.
std::string list_xml(const ListRequest& request, const storage::ListPage& page,
                     const std::string& next_token);

}  // namespace valetkey::s3
