// SPDX-License-Identifier: Apache-2.0
// Which address a request comes from, seen through the reverse proxies that the operator named.
// Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace valetkey::http {

struct AddressBlock {
  Address first;
  unsigned bits = 128;  // of the IPv6 form: an IPv4 /24 is 120
  bool contains(const Address& address) const;
  // "10.0.0.0/8", "::1", "2001:db8::/32"; bits below the prefix must be zero.
  static Result<AddressBlock> parse(std::string_view text);
};

class TrustedProxies {
 public:
  static Result<TrustedProxies> parse(const std::vector<std::string>& blocks);
  bool trusts(const Address& address) const;
  // The right-most address of X-Forwarded-For that no trusted proxy has, if `peer` is trusted at
  // all. What stands left of it, or of anything that is no address, is hearsay.
  Address client_of(const Address& peer, const std::vector<Header>& headers) const;

 private:
  std::vector<AddressBlock> blocks_;
};

}  // namespace valetkey::http
