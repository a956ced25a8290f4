// SPDX-License-Identifier: Apache-2.0
// The admin listener: /healthz (the process answers), /readyz (it can serve; else 503 and why, a
// line each) and /metrics. Needs no token, shows no secret and no account. Never blocks.
#pragma once

#include "http/server.h"
#include "server/health.h"
#include "server/metrics.h"

namespace valetkey::server {

class AdminService final : public http::Handler {
 public:
  using ReadHealth = std::function<std::shared_ptr<const Health>()>;
  AdminService(const Metrics& metrics, ReadHealth health)
      : metrics_(metrics), health_(std::move(health)) {}
  std::size_t max_body_bytes(const http::Request&) const override { return 0; }
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  http::Response answer(const http::Request& request) const;
  http::Response readiness(Timestamp now) const;
  const Metrics& metrics_;
  ReadHealth health_;
};

}  // namespace valetkey::server
