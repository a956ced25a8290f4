// SPDX-License-Identifier: Apache-2.0
// Cross-origin requests of the configured origins, in the form of S3. Pure. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "http/cors.h"
#include "http/message.h"
#include "s3/error.h"

namespace valetkey::s3 {

class Cors {
 public:
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}
  // What a response to `request` needs so that the page which asked may read it; nothing for
  // others.
  void decorate(const http::Request& request, http::Response& response) const;
  // The answer to OPTIONS. It needs no credentials and says nothing of any bucket.
  Answer<http::Response> preflight(const http::Request& request) const;

 private:
  http::Origins origins_;
};

}  // namespace valetkey::s3
