// SPDX-License-Identifier: Apache-2.0
#include "server/wire.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "admin/stored.h"
#include "base/log.h"
#include "base/secret_file.h"
#include "base/version.h"
#include "config/addresses.h"
#include "duckdb/library.h"
#include "events/file_log.h"
#include "storage/export_figures.h"

namespace valetkey::server {
namespace {

unsigned loops_for(const config::Config& config) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  return config.limits.threads == 0 ? cores : static_cast<unsigned>(config.limits.threads);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "?";
  return name.data();
}

// Room for one body at least, whatever its size.
http::BodyLimits body_limits(const config::Config& config) {
  http::BodyLimits limits = config.limits.bodies;
  const auto largest = static_cast<std::size_t>(config.intake.max_body_bytes);
  limits.max_bytes = std::max(limits.max_bytes, largest);
  if (limits.max_bytes_per_block > 0)
    limits.max_bytes_per_block = std::max(limits.max_bytes_per_block, largest);
  return limits;
}

}  // namespace

Server::Server(const admin::CommandContext& context, config::Config config)
    : config_(std::move(config)),
      clock_(context.clock),
      data_dir_(context.data_dir),
      engines_(config_, context.env, data_dir_, clock_) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(const admin::CommandContext& context,
                                              const config::Config& config) {
  VALETKEY_CHECK(config::check_config(config));
  std::unique_ptr<Server> server(new Server(context, config));
  VALETKEY_CHECK(server->open_stores(context));
  VALETKEY_CHECK(server->open_listeners());
  return server;
}

Result<void> Server::open_stores(const admin::CommandContext& context) {
  VALETKEY_TRY(keys_, context.open_keys());
  VALETKEY_CHECK(engines_.check());
  const admin::Databases& databases = engines_.databases();
  VALETKEY_TRY(control_, databases.open_control());
  VALETKEY_TRY(objects_, engines_.open_store(*keys_));
  VALETKEY_TRY(audit_, context.open_audit());
  if (databases.shared()) {
    VALETKEY_TRY(const auto node, admin::node_id(data_dir_));
    audit_copier_ = std::make_unique<control::AuditCopier>(data_dir_ / "audit", node,
                                                           databases.shared_server());
    audit_copier_->start();
  }
  if (config_.intake.enabled) VALETKEY_CHECK(open_events());

  feed_ = std::make_unique<control::ChangeFeed>(*control_, clock_, kLongestSession);
  gate_ = std::make_unique<access::TokenGate>(*control_, *feed_);
  revocation_ = std::make_unique<access::RevocationCheck>(*feed_);
  VALETKEY_TRY(minting_, engines_.open_minting(*keys_, *control_, *feed_));
  if (auto* vending = minting_->vending()) metrics_.watch(vending->issuer().counts());
  usage_ = std::make_unique<access::Usage>(*control_);

  if (!config_.tls.certificate.empty()) {
    VALETKEY_TRY(tls_, http::TlsContext::load(config_.tls.certificate, config_.tls.key));
  }
  api_audit_ = std::make_unique<CountingAudit>(*audit_, metrics_);
  recorder_ = std::make_unique<RequestRecorder>(metrics_, *audit_,
                                                parse_logged_requests(config_.log.requests));
  keeper_ = std::make_unique<Keeper>(
      Keeper::Watched{*keys_, *feed_, *control_, *objects_, tls_, data_dir_, exporting_.get()},
      config_, clock_);

  VALETKEY_CHECK(feed_->start());
  usage_->start();
  keeper_->start();
  if (exporting_) exporting_->start();
  return {};
}

Result<void> Server::open_events() {
  VALETKEY_TRY(ledger_, engines_.databases().open_ledger());
  auto log = engines_.open_log(*ledger_, *keys_, admin::Brokers::may_be_away);
  if (!log && log.error().code == ErrorCode::busy)
    return fail(ErrorCode::busy,
                "another valetkeyd serves or exports this data folder's events; "
                "end it, or set [intake] enabled = false here");
  if (!log) return std::unexpected(log.error());
  event_log_ = std::move(*log);
  VALETKEY_CHECK(share_export());
  exporting_ = std::make_unique<ExportLoop>(
      admin::ExporterParts{*event_log_, *objects_, *ledger_, *control_, clock_, holdings_.get()},
      config_.exporting, metrics_.intake());
  return {};
}

Result<void> Server::share_export() {
  VALETKEY_TRY(owners_, engines_.databases().open_owners());
  if (!owners_) return {};
  VALETKEY_CHECK(admin::check_nothing_waits_here(*ledger_, *event_log_));
  VALETKEY_TRY(const std::string id, admin::node_id(data_dir_));
  exporter::NodeState self{.id = id,
                           .name = fmt::format("{} ({})", host_name(), config_.listen.api),
                           .version = std::string(kVersion),
                           .started = started_,
                           .seen = started_,
                           .alive = true};
  holdings_ = std::make_unique<exporter::Holdings>(
      *owners_, std::move(self),
      admin::shared_works(event_log_->partitions() - events::kFilePartitions), clock_);
  // Nothing of the export is noted in the database before the log was found fit: a log that answers can tell how far it
  // is.
  const auto share = [this]() -> Result<void> {
    const auto told = event_log_->stats(event_log_->partitions() - 1);
    return told ? engines_.databases().share_log() : std::unexpected(told.error());
  };
  const auto shared = share();
  if (!shared && shared.error().code != ErrorCode::unavailable) return shared;
  if (!shared) holdings_->share_once(share);
  holdings_->start();
  return {};
}

// S3 first: the API tells clients its port.
Result<void> Server::open_listeners() {
  bodies_ = std::make_shared<http::BodyMemory>(body_limits(config_));
  metrics_.watch(bodies_);
  runtime_ = std::make_unique<http::Runtime>(
      loops_for(config_), static_cast<unsigned>(config_.limits.blocking_threads));
  admin_ = std::make_unique<AdminService>(metrics_, [this] { return keeper_->health(); });
  open_tables();
  if (minting_->vending() == nullptr) VALETKEY_CHECK(open_s3_listener());
  const bool apart = event_log_ && !config_.listen.intake.empty();
  authenticator_ = std::make_unique<api::Authenticator>(
      *gate_, *feed_, *api_audit_, runtime_->blocking(), api_options(), keys_.get());
  api_ = std::make_unique<api::Service>(
      api::Parts{*control_, *feed_, *api_audit_, *authenticator_, minting_->issuer(), *usage_,
                 apart ? nullptr : event_log_.get(), &metrics_.intake(),
                 [this](const AccountId& account) { return admin::stored_of(*objects_, account); }},
      runtime_->blocking(), api_options());
  VALETKEY_CHECK(open_provider());
  open_console();
  open_doors();
  VALETKEY_TRY(api_listener_, listen("api", config_.listen.api, *doors_));
  urls_.api = url_of(config_.listen.api, api_listener_->port());
  if (config_.console.enabled) urls_.console = urls_.api + "/";
  if (apart) VALETKEY_CHECK(open_intake_listener());
  VALETKEY_TRY(admin_listener_, listen("admin", config_.listen.admin, *admin_));
  urls_.admin = url_of(config_.listen.admin, admin_listener_->port());
  runtime_->start();
  return {};
}

void Server::open_tables() {
  storage::PartCatalog* const catalog = objects_->part_catalog();
  if (catalog == nullptr || minting_->vending() != nullptr) return;
  snapshots_ = std::make_unique<tables::Snapshots>(*catalog, config_.s3.bucket);
  readable_ = std::make_unique<tables::MetadataStore>(*objects_, *snapshots_);
}

void Server::open_doors() {
  doors_ = std::make_unique<tables::Doors>(
      tables::Parts{console_->handler(), *authenticator_, *api_audit_, minting_->issuer(), *usage_,
                    *keys_, objects_->part_catalog(), snapshots_.get()},
      runtime_->blocking(), api_options());
}

Result<void> Server::open_s3_listener() {
  storage::ObjectStore& readable = readable_ ? *readable_ : *objects_;
  s3_ = std::make_unique<s3::Service>(readable, *keys_, *revocation_, *usage_, *recorder_,
                                      runtime_->blocking(), s3_options());
  VALETKEY_TRY(s3_listener_, listen("s3", config_.listen.s3, *s3_));
  urls_.s3 = url_of(config_.listen.s3, s3_listener_->port());
  return {};
}

Result<void> Server::open_provider() {
  const auto& config = config_.oidc;
  if (config.issuer.empty() || !config_.console.enabled) return {};
  VALETKEY_CHECK(oidc::check_issuer(config.issuer));
  if (config.client_id.empty() || config.client_secret_file.empty())
    return fail(ErrorCode::invalid, "[oidc] issuer needs client_id and client_secret_file, too");
  VALETKEY_TRY(Secret secret, read_secret_file(config.client_secret_file));
  std::string redirect = config::console_url(config_);
  while (redirect.ends_with('/')) redirect.pop_back();
  network_ = http::make_fetcher();
  provider_ = std::make_unique<oidc::RelyingParty>(
      oidc::Options{config.issuer, config.client_id, std::move(secret),
                    redirect + "/v2/console/oidc/callback"},
      *network_);
  return {};
}

void Server::open_console() {
  console::Options options{
      .api = api_options(), .version = std::string(kVersion), .audit = read_audit()};
  options.pages = config_.console.enabled;
  options.issuer = config_.oidc.issuer;
  options.passwords = !provider_ || config_.oidc.passwords;
  options.preview_folder = data_dir_ / "staging" / fmt::format("preview-{}", ::getpid());
  if (options.pages) find_browser_engine();
  if (event_log_) options.export_every = config_.exporting.longest_wait;
  options.tables = snapshots_ != nullptr;
  if (options.pages && minting_->vending() == nullptr && kept_figures() == nullptr)
    listed_ = std::make_unique<storage::ListedFigures>(*objects_, clock_);
  console_ = std::make_unique<console::Console>(
      console::Parts{*api_, *control_, *feed_, *api_audit_, *authenticator_, minting_->issuer(),
                     *usage_, *objects_, figures(), listed_ != nullptr, event_log_.get(),
                     runtime_->blocking(),
                     [this](const AccountId& account) { return kept_sums(account); },
                     [this](Timestamp now) { return export_times(now); },
                     [this](Timestamp now) { return describe(now); },
                     [this](const std::filesystem::path& folder) { return preview_engine(folder); },
                     engine_ ? &*engine_ : nullptr, provider_.get(), *keys_},
      std::move(options), console::embedded_assets());
}

void Server::find_browser_engine() {
  if (auto engine = console::Engine::find(duckdb::running_program()))
    engine_ = std::move(*engine);
  else if (engine.error().code != ErrorCode::not_found)
    log::warn("server", "the console offers no SQL in the browser",
              {{"why", engine.error().detail}});
}

control::ReadAudit Server::read_audit() const {
  using Each = std::function<void(const control::AuditEvent&)>;
  if (engines_.databases().shared())
    return [server = engines_.databases().shared_server()](const auto& filter, const Each& each) {
      return control::read_shared_audit(*server, filter, each);
    };
  return [folder = data_dir_ / "audit"](const auto& filter, const Each& each) -> Result<void> {
    VALETKEY_CHECK(control::read_audit(folder, filter, each));
    return {};
  };
}

Result<duckdb::Options> Server::preview_engine(const std::filesystem::path& folder) const {
  const auto& config = config_.exporting;
  duckdb::Options options;
  VALETKEY_TRY(options.library,
               duckdb::find_library(config.duckdb_library, "[export] duckdb_library",
                                    duckdb::running_program()));
  options.sha256 = config.duckdb_sha256.empty() ? duckdb::kLibrarySha256 : config.duckdb_sha256;
  options.folder = folder;
  options.memory_limit_mib = 128;
  return options;
}

// Null where the store keeps none, as a foreign bucket, and where another engine has the export.
storage::ExportFigures* Server::kept_figures() const {
  if (minting_->vending() != nullptr) return nullptr;
  return dynamic_cast<storage::ExportFigures*>(objects_.get());
}

// The same, or as listings of the bucket have them.
storage::ExportFigures* Server::figures() const { return listed_ ? listed_.get() : kept_figures(); }

Result<std::optional<api::Stored>> Server::kept_sums(const AccountId& account) const {
  if (kept_figures() == nullptr) return std::nullopt;
  VALETKEY_TRY(const auto days, kept_figures()->days(account.str()));
  api::Stored stored;
  for (const auto& day : days) {
    stored.objects += day.sums.parts;
    stored.bytes += day.sums.bytes;
  }
  return stored;
}

// What the exporter did, and when it is due.
Result<console::ExportTimes> Server::export_times(Timestamp now) const {
  console::ExportTimes times;
  if (!ledger_ || !exporting_) return times;
  VALETKEY_TRY(times.last, ledger_->last_finished());
  VALETKEY_TRY(times.closed_through, ledger_->closed_through());
  const ExportHealth health = exporting_->health();
  if (health.waiting_events > 0)
    times.next = now - health.lag + std::chrono::milliseconds(config_.exporting.longest_wait);
  return times;
}

Result<void> Server::open_intake_listener() {
  intake_options_ = api_options();
  intake_ = std::make_unique<api::Intake>(
      api::IntakeParts{*control_, *feed_, *event_log_, &metrics_.intake(), usage_.get()},
      runtime_->blocking(), *intake_options_);
  VALETKEY_TRY(intake_listener_, listen("intake", config_.listen.intake, *intake_));
  urls_.intake = url_of(config_.listen.intake, intake_listener_->port());
  return {};
}

Result<std::unique_ptr<http::Listener>> Server::listen(const char* name, const std::string& address,
                                                       http::Handler& handler) {
  http::ListenerOptions options{.name = name,
                                .address = address,
                                .limits = config_.limits.http,
                                .trusted_proxies = config_.limits.trusted_proxies,
                                .bodies = bodies_};
  VALETKEY_TRY(const config::HostPort where, config::parse_host_port(address));
  if (where.host == "localhost") options.address = fmt::format("127.0.0.1:{}", where.port);
  return http::Listener::open(*runtime_, std::move(options), handler, *recorder_, clock_, tls_);
}

std::string Server::url_of(const std::string& address, std::uint16_t port) const {
  return config::listener_url(address, port, tls_ != nullptr);
}

// Of a listener that is not open yet.
std::string Server::configured_url(const std::string& address) const {
  const auto where = config::parse_host_port(address);
  return url_of(address, where ? where->port : 0);
}

s3::Options Server::s3_options() const {
  std::vector<std::string> origins = config_.s3.cors_origins;
  for (std::string& origin :
       config_.console.enabled ? config::console_origins(config_) : std::vector<std::string>())
    if (std::ranges::find(origins, origin) == origins.end()) origins.push_back(std::move(origin));
  return {.bucket = config_.s3.bucket,
          .region = config_.s3.region,
          .domain = config_.s3.domain,
          .strict_region = config_.s3.strict_region,
          .cors_origins = std::move(origins),
          .limits = config_.limits.account};
}

api::Options Server::api_options() const {
  api::Options out;
  out.bucket = config_.s3.bucket;
  out.region = config_.s3.region;
  out.public_endpoint = config_.s3.public_endpoint.empty() ? urls_.s3 : config_.s3.public_endpoint;
  out.console = !config_.console.enabled             ? api::WebConsole::off
                : console::embedded_assets().empty() ? api::WebConsole::not_built
                                                     : api::WebConsole::served;
  out.api_public_url = config_.api.public_url;
  out.api_listener_url = configured_url(config_.listen.api);
  if (config_.intake.enabled && !config_.listen.intake.empty())
    out.intake_url = configured_url(config_.listen.intake) + std::string(api::kEventsPath);
  out.min_duration = config_.credentials.min_duration;
  out.default_duration = config_.credentials.default_duration;
  out.max_duration = config_.credentials.max_duration;
  out.limiter = config_.limits.auth_failures;
  out.token_requests_per_s = config_.limits.token_requests_per_s;
  out.token_limits = config_.limits.tokens;
  out.token_creations_per_s = config_.limits.token_creations_per_s;
  out.cors_origins = config_.api.cors_origins;
  out.max_intake_body_bytes = config_.intake.max_body_bytes;
  out.intake.max_unzipped_bytes = config_.intake.max_unzipped_bytes;
  out.intake.max_row_values = config_.intake.max_row_values;
  out.intake.max_row_bytes = config_.intake.max_row_bytes;
  return out;
}

void Server::reload() {
  if (const auto read = tls_ ? tls_->reload() : Result<void>(); !read)
    log::error("server", "the former TLS certificate stays in force",
               {{"why", read.error().detail}});
  keeper_->look();  // reads the keyring and says what is wrong with it
  log::info("server", "reloaded");
}

void Server::drain() {
  for (const auto* listener : {&api_listener_, &intake_listener_, &s3_listener_})
    if (*listener) (*listener)->drain();
}

std::size_t Server::connections() const {
  return api_listener_->connections() + (s3_listener_ ? s3_listener_->connections() : 0) +
         (intake_listener_ ? intake_listener_->connections() : 0);
}

void Server::stop() {
  // A listener that goes cuts its connections and waits for them, which needs the loops.
  api_listener_.reset();
  intake_listener_.reset();
  s3_listener_.reset();
  admin_listener_.reset();
  if (runtime_) runtime_->stop();
  if (exporting_) exporting_->stop();
  if (holdings_) holdings_->stop();
  if (keeper_) keeper_->stop();
  // The log finishes what it was given, and a late answer is posted to the loops; readers go before it.
  exporting_.reset();
  event_log_.reset();
  if (usage_) usage_->stop();
  if (feed_) feed_->stop();
  if (audit_copier_) audit_copier_->stop();
}

}  // namespace valetkey::server
