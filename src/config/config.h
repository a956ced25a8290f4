// SPDX-License-Identifier: Apache-2.0
// The configuration of valetkeyd: one TOML file, over it the environment
// (VALETKEY_<SECTION>_<KEY>), over that the flags of serve. Unknown keys are errors that name key
// and line. Secrets are never in it: it names the files that hold them. settings.cc is the one list
// of keys with unit, bounds and effect; contrib/valetkey.toml and docs/configuration.md are checked
// against it.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/timestamp.h"
#include "control/control_store.h"
#include "http/body_memory.h"
#include "http/server.h"
#include "limits/account_limits.h"
#include "limits/failure_limiter.h"

namespace valetkey::config {

struct Config {
  struct Listen {  // ADDR:PORT each; port 0 picks one
    std::string api = "127.0.0.1:8080";
    std::string s3 = "127.0.0.1:9000";
    std::string admin = "127.0.0.1:8081";  // metrics and health
    std::string intake;                    // of POST /v1/events; empty: the API's
    bool insecure_listen = false;          // allow plain HTTP beyond loopback
  } listen;
  struct Tls {  // PEM files; both or neither. For every listener
    std::string certificate;
    std::string key;
  } tls;
  struct Credentials {  // how long temporary credentials live; at most 12 h
    milliseconds min_duration{std::chrono::minutes(15)};
    milliseconds default_duration{std::chrono::hours(1)};
    milliseconds max_duration{std::chrono::hours(1)};
  } credentials;
  struct S3 {
    std::string bucket = "optimizely-events-data";
    std::string region = "us-east-1";
    std::string domain;           // virtual-hosted style under it; empty: path style only
    std::string public_endpoint;  // URL told to clients; empty: the listener's own
    bool strict_region = false;   // refuse signatures for another region
    std::vector<std::string> cors_origins;
  } s3;
  struct Control {  // where accounts, users, tokens and the export's ledger are kept
    std::string kind =
        "sqlite";     // sqlite: in the data folder; postgresql: a database of several nodes
    std::string url;  // of PostgreSQL, as libpq takes it; without a password
    std::string password_file;  // empty: libpq's passfile
  } control;
  struct Objects {                // where the parts lie; bucket and region are those of [s3]
    std::string kind = "disk";    // disk: below the data folder, encrypted; s3: in a bucket
    std::string endpoint;         // of S3; empty: AWS's of the region
    std::string internal_bucket;  // of what the exporter keeps for itself
    std::string profile;          // of AWS's files; empty: the SDKs' order
    std::string encryption;       // x-amz-server-side-encryption; empty: as the bucket does
    std::string kms_key_id;       // of aws:kms; empty: the bucket's own
    std::string ca_file;          // PEM; empty: what the system trusts
  } objects;
  struct Issuer {                  // who mints the credentials that tokens buy
    std::string kind = "sealed";   // sealed: this server's own; sts: those of another's STS
    std::string engine = "aws";    // aws, ceph, minio
    std::string endpoint;          // of STS; empty: AWS's of the region
    std::string iam_endpoint;      // where roles are kept; empty: AWS's, or the same as STS
    std::string role_arn;          // {account} stands for the account's id
    std::string trusted_user_arn;  // of Ceph: whom the roles that are made trust
    std::string external_id;       // as the role's trust policy names it; empty: none
    std::string bucket;            // {account}; empty: [s3] bucket
    std::string prefix = "v1/account_id={account}/";
    std::string kms_key_arn;    // needed to read; empty: none
    std::string profile;        // of AWS's files, for sessions; empty: the SDKs' order
    std::string roles_profile;  // the same, for roles; empty: profile
    std::string ca_file;        // PEM; empty: what the system trusts
    double calls_per_s = 300;   // to STS
  } issuer;
  struct Api {
    std::string public_url;  // URL of the API as clients see it; empty: the listener's own
    std::vector<std::string> cors_origins;
  } api;
  struct Console {  // the web pages at the API's address
    bool enabled = true;
  } console;
  struct Oidc {  // sign-in to the console at an identity provider; no issuer: none
    std::string issuer, client_id, client_secret_file;
    bool passwords = true;  // beside it
  } oidc;
  struct Intake {
    bool enabled = true;
    milliseconds longest_wait{0};                  // for company before a commit
    std::uint64_t max_waiting_bytes = 8ull << 30;  // not yet exported; beyond: 503
    std::uint64_t max_body_bytes = 3'500'000;
    std::uint64_t max_unzipped_bytes = 10 << 20;
    std::uint64_t max_row_values = 50'000;
    std::uint64_t max_row_bytes = 32 << 20;
  } intake;
  struct Events {                      // where they wait for the exporter
    std::string kind = "disk";         // disk: below the data folder, encrypted; kafka: in a topic
    std::vector<std::string> brokers;  // HOST:PORT
    std::string topic = "valetkey-events";
    std::uint64_t partitions = 16;
    std::uint64_t replicas = 3;
    bool tls = true;
    std::string ca_file;                  // PEM; empty: what the system trusts
    std::string username, password_file;  // empty: no authentication
    std::string mechanism = "SCRAM-SHA-512";
    std::uint64_t max_queued_bytes = 64 << 20;  // not yet acknowledged; beyond: 503
    milliseconds keep{24 * 3'600'000};          // what is exported, for a ledger that falls back
  } events;
  struct Export {
    milliseconds longest_wait{15 * 60'000};  // of an event before it is exported
    std::string cut = "batch";               // when events become parts: batch, hour, day
    std::uint64_t batch_bytes = 128 << 20;   // so many waiting are exported at once
    std::uint64_t memory_limit_mib = 512;    // of DuckDB
    std::uint64_t threads = 1;
    milliseconds dedup_window{7 * 24 * 3'600'000};
    std::string dedup = "window";          // window: exact within dedup_window; day: within the day
    std::uint64_t dedup_memory_mib = 256;  // of uuids, 16 bytes each
    milliseconds grace{2 * 60'000};        // after midnight, before a day closes
    milliseconds fence{
        20 * 60'000};  // of several nodes: before what a lost one may still write is destroyed
    std::uint64_t max_partitions_a_day = 10'000;
    std::string timestamps;      // of parts: us, ms; empty: as the data folder was made
    std::string duckdb_library;  // empty: looked for where it is installed
    std::string duckdb_sha256;   // empty: of the version that Valetkey ships with
    // Most parts a day of one account, type and partition value, before the day closes and joins them; more only where
    // batches reach batch_bytes sooner.
    std::uint64_t parts_a_day() const;
  } exporting;
  struct LimitSettings {
    http::Limits http;        // of each listener
    http::BodyLimits bodies;  // of all listeners together
    std::vector<std::string> trusted_proxies;
    limits::AccountLimits account;         // so that no tenant takes the whole server
    limits::LimiterOptions auth_failures;  // of each address block
    double token_requests_per_s = 50;      // of the API; 0: no limit
    control::TokenLimits tokens;           // that count, and made in 24 hours
    double token_creations_per_s = 5;     // of a user; ten times as many of an account; 0: no limit
    milliseconds shutdown_delay{0};       // unready, but still accepting: for load balancers
    milliseconds shutdown_grace{30'000};  // for running requests after SIGTERM
    std::uint64_t threads = 0;            // event loops; 0: one per core
    std::uint64_t blocking_threads = 8;   // for disk and databases
    std::uint64_t disk_watermark_percent = 90;
    std::uint64_t min_free_bytes = 64ull << 20;
  } limits;
  struct Log {
    std::string level = "info";       // debug, info, warn, error, off
    std::string format = "text";      // text, json
    std::string requests = "errors";  // all, errors, none
  } log;
};

using Environment = std::function<const char*(const char* name)>;  // getenv, or a test's

// A sentence for each of `names`, variables of the environment, that was probably meant for us and
// that nothing reads.
std::vector<std::string> unknown_variables(std::span<const std::string> names);

// Defaults, then the text, then the environment. `name` is what errors call the file.
Result<Config> parse_config(std::string_view text, std::string_view name, const Environment& env);
// The same of a file; an empty path gives defaults and environment.
Result<Config> load_config(const std::filesystem::path& file, const Environment& env);
// Checks that need several keys: durations in order, TLS complete, listeners beyond loopback
// protected. To be called after the flags have been applied.
Result<void> check_config(const Config& config);

// "127.0.0.1:8080", "[::1]:0" or "localhost:80" taken apart; host without brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  bool is_loopback() const;
  bool is_any() const;  // 0.0.0.0 or ::
};
Result<HostPort> parse_host_port(std::string_view text);

// The commented configuration file with every key at its default: `valetkeyd config`.
std::string example_config();
// The same as the rows of docs/configuration.md: | key | default | effect |.
std::string markdown_config();

}  // namespace valetkey::config
