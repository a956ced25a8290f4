// SPDX-License-Identifier: Apache-2.0
// The policy texts that bound a session or a role to one prefix of one bucket. Pure.
// What is compared is compared with StringLike alone: an operator with IfExists would allow what
// names no prefix at all.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace valetkey::aws {

inline constexpr std::size_t kMaxSessionPolicy = 2048;  // characters

struct PrefixBound {
  std::string bucket;
  // Each ends in '/': without it, 12 would open 123. At least one.
  std::vector<std::string> prefixes;
  std::string partition = "aws";       // of ARNs
  std::string kms_key_arn{};           // empty: none is needed to read
  std::vector<std::string> sources{};  // addresses and networks; empty: all
};

// What a prefix may be: 1 to 900 bytes, printable, ending in '/', without what a policy would read as a
// pattern or a variable (* ? $), without empty, "." or ".." parts, and of characters that a policy
// can hold (Latin-1). `invalid`, with the sentence.
Result<void> check_prefix(std::string_view prefix);
Result<void> check_bucket(std::string_view bucket);

// List and read below the prefixes, and nothing else. `invalid` for what check_prefix() refuses or no
// prefix; `too_large` beyond kMaxSessionPolicy.
Result<std::string> prefix_policy(const PrefixBound& bound);

// Who may assume a role on Ceph: the user, and never a session, which would escape its bound there.
std::string ceph_trust_policy(std::string_view user_arn);

}  // namespace valetkey::aws
