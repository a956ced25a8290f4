// SPDX-License-Identifier: Apache-2.0
// The web console as one piece: what it stands on comes in, the handler of the API's listener comes
// out. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>

#include "api/authentication.h"
#include "console/accounts.h"
#include "console/activity.h"
#include "console/engine.h"
#include "console/exports.h"
#include "console/people.h"
#include "console/preview.h"
#include "console/provider.h"
#include "console/service.h"
#include "console/sign_in.h"
#include "console/start.h"

namespace valetkey::console {

// All of it outlives the console.
struct Parts {
  http::Handler& api;
  control::ControlStore& store;
  control::ChangeFeed& feed;
  control::AuditLog& audit;
  api::Authenticator& authenticator;
  access::CredentialIssuer& issuer;
  access::Usage& usage;
  storage::ObjectStore& objects;
  storage::ExportFigures* figures;  // null: there are none
  bool listed;                      // they cost listings of a foreign bucket
  events::EventLog* log;            // null: no events are taken
  http::asio::thread_pool& blocking;
  ReadSums stored;
  ReadExportTimes times;
  DescribeServer describe;
  DuckDbOptions duckdb;
  const Engine* engine;          // null: SQL runs in no browser
  oidc::RelyingParty* provider;  // null: people sign in with passwords
  const KeySource& keys;
};

struct Options {
  api::Options api;
  std::string version;
  control::ReadAudit audit;
  bool pages = true;                       // false: only what programs do
  std::filesystem::path preview_folder{};  // of this process, for plaintext of a moment
  bool passwords = true;
  std::string issuer{};  // of the provider
  milliseconds export_every{0};
  bool tables = false;  // that engines read
};

class Console {
 public:
  Console(Parts parts, Options options, std::span<const Asset> assets);
  http::Handler& handler() { return service_; }
  const Routes& programs_routes() const { return programs_; }

 private:
  // What pages need and programs do not.
  struct ForPages {
    ForPages(const Parts& parts, const Options& options);
    SignIn sign_in;
    Start start;
    Exports exports;
    Preview preview;
    std::unique_ptr<Provider> provider;  // null: people sign in with passwords
  };
  void add_sign_in_routes();
  void add_people_routes();
  void add_account_routes();
  void add_program_routes();
  Answer<Reply> config(const Call& call) const;
  Answer<Reply> views(const Call& call) const;
  Answer<Reply> replace_token(const Call& call);

  Options options_;
  People people_;
  Activity activity_;
  Accounts accounts_;
  api::Tokens tokens_;
  std::unique_ptr<ForPages> for_pages_;  // null: there are no pages
  const Engine* engine_;
  const access::CredentialIssuer::Holds holds_;
  const bool figures_, listed_, own_endpoint_;
  Routes pages_;     // below /v2/console/
  Routes programs_;  // by token
  Service service_;
};

}  // namespace valetkey::console
