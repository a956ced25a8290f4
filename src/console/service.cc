// SPDX-License-Identifier: Apache-2.0
#include "console/service.h"

namespace valetkey::console {

std::size_t Service::max_body_bytes(const http::Request& head) const {
  return api_.max_body_bytes(head);
}

http::Task<http::Response> Service::handle(const http::Request& request) {
  if (auto page = pages_.answer(request)) {
    page->set("X-Request-Id", request.id);
    co_return std::move(*page);
  }
  co_return co_await api_.handle(request);
}

http::Response Service::refuse(int status, const http::Request& head) const {
  return api_.refuse(status, head);
}

}  // namespace valetkey::console
