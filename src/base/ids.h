// SPDX-License-Identifier: Apache-2.0
// Identifiers as types: a value exists only where its text was well formed.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey {

// A well-formed text of one kind. `Rule::valid(text)` says what is well formed, `Rule::kName` what
// to call it in an error, `Rule::kForm` how to describe the form.
template <class Rule>
class Id {
 public:
  static Result<Id> parse(std::string_view text) {
    if (!Rule::valid(text))
      return fail(ErrorCode::invalid, std::string(Rule::kName) + " must be " + Rule::kForm);
    return Id(std::string(text));
  }
  const std::string& str() const { return text_; }
  friend bool operator==(const Id&, const Id&) = default;
  friend std::strong_ordering operator<=>(const Id& a, const Id& b) {
    return a.text_.compare(b.text_) <=> 0;
  }

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct AccountRule {
  static constexpr const char* kName = "an account id";
  static constexpr const char* kForm = "1 to 20 digits";
  static bool valid(std::string_view text);
};
struct UserRule {
  static constexpr const char* kName = "a user id";
  static constexpr const char* kForm = "usr_ and 16 base62 characters";
  static bool valid(std::string_view text);
};
struct TokenRule {
  static constexpr const char* kName = "a token id";
  static constexpr const char* kForm = "tok_ and 16 base62 characters";
  static bool valid(std::string_view text);
};
struct AccessKeyRule {
  static constexpr const char* kName = "an access key id";
  static constexpr const char* kForm = "ASIA and 16 characters of A-Z2-7";
  static bool valid(std::string_view text);
};

using AccountId = Id<AccountRule>;
using UserId = Id<UserRule>;
using TokenId = Id<TokenRule>;  // names a personal access token; not the token itself
using AccessKeyId = Id<AccessKeyRule>;

UserId make_user_id();    // random
TokenId make_token_id();  // random
std::string make_uuid();  // version 4, lower case

}  // namespace valetkey

template <class Rule>
struct std::hash<valetkey::Id<Rule>> {
  std::size_t operator()(const valetkey::Id<Rule>& id) const {
    return std::hash<std::string>{}(id.str());
  }
};
