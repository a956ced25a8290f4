// SPDX-License-Identifier: Apache-2.0
// A query string in canonical form: every name and value decoded once and encoded again, sorted.
// The signer, the verifier and the checks on presigned parameters share
// this one reading.
// '+' is a space, as http::parse_query reads it: what was signed is what the service will act upon.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace valetkey::sigv4 {

class CanonicalQuery {
 public:
  struct Item {
    std::string_view
        name;  // percent-encoded, canonical: equal if and only if the decoded texts are
    std::string_view value;  // likewise; empty where there was no '='
  };

  explicit CanonicalQuery(std::string_view query);
  CanonicalQuery(const CanonicalQuery&) = delete;  // the items are views into the text below
  CanonicalQuery& operator=(const CanonicalQuery&) = delete;

  std::span<const Item> items() const { return items_; }  // by name, then value
  const Item* find(std::string_view name) const;
  bool has_repeated_name() const;
  std::string str(std::string_view leave_out) const;

 private:
  std::string_view append(std::string_view text);
  std::string text_;
  std::vector<Item> items_;
};

// Appends `text`, percent-encoding all but unreserved characters. With `decode`, encodings that
// stand in it are taken for the bytes they mean; a '%' that begins none is a percent sign.
struct EncodeRule {
  bool decode = false;
  bool plus_is_space = false;
  bool keep_slash = false;
};
void append_encoded(std::string& out, std::string_view text, EncodeRule rule);

}  // namespace valetkey::sigv4
