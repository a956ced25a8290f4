// SPDX-License-Identifier: Apache-2.0
#include "tables/engine_credentials.h"

namespace valetkey::tables {

Answer<access::Credentials> EngineCredentials::issue(const Call& call, std::string_view door) {
  auto issued = issuer_.issue(call.grant, options_.max_duration, call.now());
  if (!issued) {
    record(call, door, valetkey::name_of(issued.error().code), call.grant.token.str());
    if (issued.error().code == ErrorCode::denied)
      return refuse(403, {}, "This token opens no data any more: use another.");
    return std::unexpected(refusal_of(issued.error(), "minting credentials", call.request));
  }
  record(call, door, "ok", issued->access_key_id);
  usage_.exchanged(call.grant, call.now(), call.request.client);
  return std::move(*issued);
}

void EngineCredentials::record(const Call& call, std::string_view door, std::string_view outcome,
                               std::string_view subject) {
  audit_.append({.at = call.now(),
                 .action = door,
                 .outcome = outcome,
                 .account = &call.grant.account,
                 .actor = call.grant.user.str(),
                 .subject = subject,
                 .client = call.request.client.str(),
                 .request_id = call.request.id});
}

}  // namespace valetkey::tables
