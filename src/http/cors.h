// SPDX-License-Identifier: Apache-2.0
// Answers that pages of other origins may read. Credentials are always allowed, because browsers
// send some requests (sendBeacon) only so; no service here reads a cookie or another thing that a
// browser adds by itself, so they open nothing. Pure. Thread-safe.
// Source: https://fetch.spec.whatwg.org/#http-cors-protocol
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace valetkey::http {

// The origin of the page that asks; nothing where no page does, or where several or no such text
// are named.
std::optional<std::string_view> origin_of(const Request& request);
// Lets the pages of `origin` read the answer. It goes with `Vary: Origin`, which the caller sets on
// every answer that depends on the origin, allowed or not.
void allow_origin(Response& response, std::string_view origin);

// The origins that an operator lists, as a browser sends them ("https://app.example.com"), compared
// exactly; "*" is any.
class Origins {
 public:
  explicit Origins(std::vector<std::string> origins) : origins_(std::move(origins)) {}
  bool empty() const { return origins_.empty(); }
  // The origin of the page that asks, if it is one of them.
  std::optional<std::string_view> allowed(const Request& request) const;

 private:
  std::vector<std::string> origins_;
};

}  // namespace valetkey::http
