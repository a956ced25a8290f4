// SPDX-License-Identifier: Apache-2.0
// Container credentials for the AWS SDKs of this machine: one path, one authorization token, only
// this machine's own names in Host, so that no web page reaches it through a name of its own.
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
#pragma once

#include <string>

#include "client/session.h"
#include "http/server.h"

namespace valetkey::cli {

class CredentialsEndpoint final : public http::Handler {
 public:
  static constexpr std::string_view kPath = "/credentials";

  // Runs on the loop that `session` belongs to; it outlives this.
  CredentialsEndpoint(client::Session& session, Secret authorization)
      : session_(session), authorization_(std::move(authorization)) {}
  // `authority`: address and port that it listens on, as Host says them. Before the first request.
  void set_authority(std::string authority);

  std::size_t max_body_bytes(const http::Request&) const override { return 0; }
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  bool is_own_name(const http::Request& request) const;
  bool may_read(const http::Request& request) const;

  client::Session& session_;
  const Secret authorization_;
  std::string authority_, localhost_;
};

// `invalid` for anything but a loopback address and a port: "127.0.0.1:0", "[::1]:9911".
Result<void> check_loopback(std::string_view listen);

}  // namespace valetkey::cli
