// SPDX-License-Identifier: Apache-2.0
// Credentials for engines, written down with the door that they were asked for at. Thread-safe; may block.
#pragma once

#include <string>
#include <string_view>

#include "access/credentials.h"
#include "access/usage.h"
#include "api/options.h"
#include "control/audit.h"
#include "tables/call.h"

namespace valetkey::tables {

class EngineCredentials {
 public:
  // All outlive it.
  EngineCredentials(const api::Options& options, access::CredentialIssuer& issuer,
                    control::AuditLog& audit, access::Usage& usage)
      : options_(options), issuer_(issuer), audit_(audit), usage_(usage) {}

  // The longest that the operator allows. `door`: of the audit, as "iceberg.load".
  Answer<access::Credentials> issue(const Call& call, std::string_view door);
  void record(const Call& call, std::string_view door, std::string_view outcome,
              std::string_view subject);
  const api::Options& options() const { return options_; }

 private:
  const api::Options& options_;
  access::CredentialIssuer& issuer_;
  control::AuditLog& audit_;
  access::Usage& usage_;
};

}  // namespace valetkey::tables
