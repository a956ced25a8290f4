// SPDX-License-Identifier: Apache-2.0
// The S3 endpoint, read side: parse, authenticate, authorise, then one operation. Stateless beyond
// what it is given; called on every loop. docs/guide.md says which operations there are,
// docs/security.md what each session may do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/revocation.h"
#include "access/usage.h"
#include "base/keyring.h"
#include "http/async.h"
#include "http/server.h"
#include "limits/account_limits.h"
#include "s3/hooks.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

struct Options {
  std::string bucket;
  std::string region;
  std::string domain;          // Host `bucket.domain` names the bucket; empty: path style only
  bool strict_region = false;  // true: another region in the credential scope is refused
  std::vector<std::string> cors_origins;
  limits::AccountLimits limits;
};

class Service final : public http::Handler {
 public:
  // All of these must outlive the service, and the service every response it gave.
  Service(storage::ObjectStore& store, const KeySource& keys,
          const access::RevocationCheck& revocation, access::Usage& usage, Hooks& hooks,
          http::asio::thread_pool& blocking, Options options);
  ~Service() override;

  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace valetkey::s3
