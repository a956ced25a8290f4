// SPDX-License-Identifier: Apache-2.0
// The first step of every request: which bucket, which key and which parameters it names. The path
// is percent-decoded once, and that one value is authorised, looked up and signed; dots and slashes
// are never normalised. Pure. Thread-safe. Source:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "s3/error.h"

namespace valetkey::s3 {

struct Call {
  http::Method method = http::Method::other;
  std::string bucket;  // as named by Host or path; empty: none
  std::string key;     // decoded; empty: the bucket itself
  std::string host;    // without the port, in lower case
  std::vector<http::QueryParameter> parameters;
  http::Address client{};  // whom it came from, as the server saw it or a trusted proxy says

  const http::QueryParameter* parameter(std::string_view name) const;
  // Its value; empty where it is missing.
  std::string_view value(std::string_view name) const;
};

// 400 for a path or query with a broken encoding, NUL or invalid UTF-8, for none or several Hosts.
// With a `domain`, Host `bucket.domain` names the bucket and the whole path is the key; any other
// Host leaves both to the path.
Answer<Call> parse_call(const http::Request& request, std::string_view domain);

}  // namespace valetkey::s3
