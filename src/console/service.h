// SPDX-License-Identifier: Apache-2.0
// What the API's listener answers where there is a console: its pages, its own routes below
// /v2/console/, and for everything else the API. Called on every loop at once.
#pragma once

#include "console/pages.h"
#include "http/server.h"

namespace valetkey::console {

class Service final : public http::Handler {
 public:
  // `api` outlives the service.
  Service(http::Handler& api, Pages pages) : api_(api), pages_(std::move(pages)) {}
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  http::Handler& api_;
  Pages pages_;
};

}  // namespace valetkey::console
