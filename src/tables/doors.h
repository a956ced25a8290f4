// SPDX-License-Identifier: Apache-2.0
// The doors to the tables on the API's listener: an Iceberg REST catalog below /iceberg, Delta Sharing below
// /delta-sharing. Each takes a personal access token with the scope `export`, or the engine token that the catalog
// sells for one. All else goes on to the handler behind. Called on every loop; the work runs where it may block.
#pragma once

#include <memory>

#include "api/authentication.h"
#include "api/options.h"
#include "http/server.h"
#include "storage/part_catalog.h"
#include "tables/engine_credentials.h"
#include "tables/iceberg.h"
#include "tables/sharing.h"
#include "tables/snapshots.h"

namespace valetkey::tables {

// All of it outlives the doors.
struct Parts {
  http::Handler& behind;
  api::Authenticator& authenticator;
  control::AuditLog& audit;
  access::CredentialIssuer& issuer;
  access::Usage& usage;
  const KeySource& keys;
  storage::PartCatalog* catalog = nullptr;  // null with `snapshots`: there are no tables here
  Snapshots* snapshots = nullptr;
};

class Doors final : public http::Handler {
 public:
  Doors(Parts parts, http::asio::thread_pool& blocking, api::Options options);
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  enum class Door : std::uint8_t { iceberg, tokens, sharing };
  static std::optional<Door> door_of(const http::Request& request);
  static http::Response refusal(Door door, const Refusal& refusal, const http::Request& request);
  http::Task<Answer<http::Response>> answer(const http::Request& request, Door door);
  http::Task<Answer<http::Response>> serve(const http::Request& request,
                                           const control::TokenGrant& grant, Door door);
  http::Task<Answer<http::Response>> sell_token(const http::Request& request);
  Answer<http::Response> seal_token(const http::Request& request, const Secret& shown,
                                    const control::TokenGrant& grant);
  Answer<void> check(const control::TokenGrant& grant);

  Parts parts_;
  http::asio::thread_pool& blocking_;
  api::Options options_;
  EngineCredentials engine_credentials_;
  std::unique_ptr<IcebergCatalog> catalog_;  // null as Parts::snapshots
  std::unique_ptr<DeltaShares> shares_;
};

}  // namespace valetkey::tables
