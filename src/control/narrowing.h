// SPDX-License-Identifier: Apache-2.0
// What a token is limited to beyond its scopes: prefixes of its account's data, and networks that it
// is used from. A token limits what it creates, and what that creates, at any depth. Pure; each value
// has one text. docs/formats.md, "Limits of a token".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"

namespace valetkey::control {

// As people ask for it.
struct WantedNarrowing {
  std::vector<std::string> types{};     // "decisions", "events"
  std::vector<std::string> prefixes{};  // below the account's, each within one of the types
  std::vector<std::string> sources{};   // addresses and blocks of them
};

class Narrowing {
 public:
  // Of str(): what a session token, a session policy and an audit record hold of it besides theirs.
  static constexpr std::size_t kMaxBytes = 512;

  Narrowing() = default;  // no limit
  // `invalid`, with the sentence, for a prefix that does not end in '/', has parts that are empty,
  // '.' or '..', or lies in none of the types, for what is no address block, or beyond kMaxBytes.
  static Result<Narrowing> make(const WantedNarrowing& wanted);
  // `corrupt` for anything but what str() gives.
  static Result<Narrowing> parse(std::string_view text);
  std::string str() const;
  std::string words() const;  // for people: "type=decisions/ from 10.0.0.0/8"; empty: no limit

  // Sorted, none within another. Empty: everything, or from everywhere.
  const std::vector<std::string>& prefixes() const { return prefixes_; }
  const std::vector<AddressBlock>& sources() const { return sources_; }
  std::vector<std::string> source_texts() const;
  bool empty() const { return prefixes_.empty() && sources_.empty(); }

  // Of a name below the account's prefix, or of the prefix of a listing: whether all that begins so
  // may be read.
  bool opens(std::string_view name) const;
  bool admits(const Address& client) const;
  bool within(const Narrowing& outer) const;
  // This, and where it leaves prefixes or sources open, those of `outer`. `invalid` beyond kMaxBytes.
  Result<Narrowing> inheriting(const Narrowing& outer) const;

  friend bool operator==(const Narrowing&, const Narrowing&) = default;

 private:
  std::vector<std::string> prefixes_;
  std::vector<AddressBlock> sources_;
};

}  // namespace valetkey::control
