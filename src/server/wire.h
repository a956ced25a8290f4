// SPDX-License-Identifier: Apache-2.0
// The object graph of a running server. Members are in the order in which they are made; they go in
// the opposite order, so nothing outlives what it uses. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "access/credentials.h"
#include "access/revocation.h"
#include "access/token_gate.h"
#include "access/usage.h"
#include "admin/command_context.h"
#include "admin/engines.h"
#include "api/authentication.h"
#include "api/intake.h"
#include "api/service.h"
#include "base/clock.h"
#include "base/keyring.h"
#include "config/config.h"
#include "console/console.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "control/shared_audit.h"
#include "http/async.h"
#include "http/fetch.h"
#include "http/server.h"
#include "http/tls.h"
#include "oidc/relying_party.h"
#include "s3/service.h"
#include "server/admin_service.h"
#include "server/export_loop.h"
#include "server/keeper.h"
#include "server/metrics.h"
#include "server/request_recorder.h"
#include "storage/export_figures.h"
#include "storage/listed_figures.h"
#include "storage/object_store.h"
#include "tables/doors.h"
#include "tables/metadata_store.h"

namespace valetkey::server {

struct Urls {
  std::string api, admin;
  std::string s3;       // empty: credentials open the endpoint of somebody else
  std::string intake;   // empty: events come to the API
  std::string console;  // empty: it is off
};

class Server {
 public:
  // Opens everything and serves. The first thing that fails is undone with all before it.
  static Result<std::unique_ptr<Server>> start(const admin::CommandContext& context,
                                               const config::Config& config);
  ~Server();

  const Urls& urls() const { return urls_; }
  // Why /readyz answers 503; empty: it does not.
  std::vector<std::string> problems() const { return keeper_->health()->problems(clock_.now()); }
  // New TLS pair and keyring, if they can be read; else the former ones stay and the log says why.
  void reload();
  void set_stopping() { keeper_->set_stopping(); }  // /readyz answers 503 from here on
  // Nothing new is accepted, running requests go on; the admin listener stays.
  void drain();
  // Connections that are still open.
  std::size_t connections() const;
  // Cuts what still runs and flushes usage and audit.
  void stop();

 private:
  Server(const admin::CommandContext& context, config::Config config);
  Result<void> open_stores(const admin::CommandContext& context);
  Result<void> open_events();
  Result<void> share_export();
  Result<void> open_listeners();
  Result<void> open_s3_listener();
  Result<void> open_intake_listener();
  Result<std::unique_ptr<http::Listener>> listen(const char* name, const std::string& address,
                                                 http::Handler& handler);
  std::string url_of(const std::string& address, std::uint16_t port) const;
  std::string configured_url(const std::string& address) const;
  s3::Options s3_options() const;
  api::Options api_options() const;
  Result<void> open_provider();
  void open_console();
  void find_browser_engine();
  void open_tables();
  void open_doors();
  storage::ExportFigures* kept_figures() const;
  storage::ExportFigures* figures() const;
  Result<std::optional<api::Stored>> kept_sums(const AccountId& account) const;
  Result<duckdb::Options> preview_engine(const std::filesystem::path& folder) const;
  control::ReadAudit read_audit() const;
  Result<console::ExportTimes> export_times(Timestamp now) const;
  boost::json::object describe(Timestamp now) const;

  Metrics metrics_;
  config::Config config_;
  const Clock& clock_;
  const Timestamp started_ = clock_.now();
  std::filesystem::path data_dir_;
  const admin::Engines engines_;

  // Stores
  std::unique_ptr<KeySource> keys_;
  std::unique_ptr<storage::ObjectStore> objects_;
  std::unique_ptr<storage::ListedFigures> listed_;  // null: the store keeps sums itself
  std::unique_ptr<control::ControlStore> control_;
  std::unique_ptr<control::AuditLog> audit_;
  std::unique_ptr<control::AuditCopier> audit_copier_;  // null: the data folder's is the only one

  // Events; null where none are taken
  std::unique_ptr<exporter::Ledger> ledger_;
  std::unique_ptr<events::EventLog> event_log_;
  std::unique_ptr<exporter::Owners> owners_;  // these two: where several nodes export
  std::unique_ptr<exporter::Holdings> holdings_;
  std::unique_ptr<ExportLoop> exporting_;

  // Permissions
  std::unique_ptr<control::ChangeFeed> feed_;
  std::unique_ptr<access::TokenGate> gate_;
  std::unique_ptr<access::RevocationCheck> revocation_;
  std::unique_ptr<admin::Minting> minting_;
  std::unique_ptr<access::Usage> usage_;

  // Observation
  std::shared_ptr<http::TlsContext> tls_;  // shared with the listeners
  std::unique_ptr<CountingAudit> api_audit_;
  std::unique_ptr<RequestRecorder> recorder_;
  std::unique_ptr<Keeper> keeper_;

  // Handlers
  std::shared_ptr<http::BodyMemory> bodies_;  // with the listeners
  std::unique_ptr<http::Runtime> runtime_;
  std::unique_ptr<api::Authenticator> authenticator_;  // of all doors on the API's listener
  // Null where no tables are offered: the parts are not indexed here, or read elsewhere.
  std::unique_ptr<tables::Snapshots> snapshots_;
  std::unique_ptr<tables::MetadataStore> readable_;
  std::unique_ptr<s3::Service> s3_;
  std::unique_ptr<api::Service> api_;
  std::optional<console::Engine> engine_;
  std::unique_ptr<http::Fetcher> network_;
  std::unique_ptr<oidc::RelyingParty> provider_;  // null: people sign in with passwords
  std::unique_ptr<console::Console> console_;
  std::unique_ptr<tables::Doors> doors_;
  std::optional<api::Options> intake_options_;
  std::unique_ptr<api::Intake> intake_;  // null: the API answers for it, or nobody
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<http::Listener> s3_listener_;  // null: credentials open somebody else's
  std::unique_ptr<http::Listener> api_listener_;
  std::unique_ptr<http::Listener> intake_listener_;  // null as intake_ is
  std::unique_ptr<http::Listener> admin_listener_;
  Urls urls_;
};

}  // namespace valetkey::server
