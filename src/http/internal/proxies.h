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
