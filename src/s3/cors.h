// SPDX-License-Identifier: Apache-2.0
// Cross-origin requests of the configured origins. Pure. Thread-safe.
// Source: https://fetch.spec.whatwg.org/#http-cors-protocol
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "s3/error.h"

namespace valetkey::s3 {

class Cors {
 public:
  // Origins as a browser sends them ("https://app.example.com"), compared exactly; "*" is any.
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}
  // What a response to `request` needs so that the page which asked may read it; nothing for
  // others.
  void decorate(const http::Request& request, http::Response& response) const;
  // The answer to OPTIONS. It needs no credentials and says nothing of any bucket.
  Answer<http::Response> preflight(const http::Request& request) const;

 private:
  bool allows(std::string_view origin) const;
  std::vector<std::string> origins_;
};

}  // namespace valetkey::s3
