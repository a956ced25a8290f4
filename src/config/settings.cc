// SPDX-License-Identifier: Apache-2.0
#include "config/internal/settings.h"

#include <array>

namespace valetkey::config {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

constexpr auto kSections = std::to_array<Section>({
    {"listen",
     "Where the server listens: ADDR:PORT, [V6]:PORT or localhost:PORT; port 0 picks one."},
    {"tls",
     "TLS for every listener. Read again on SIGHUP; running connections keep the former pair."},
    {"credentials", "How long temporary credentials live. A session never outlives its token."},
    {"s3", "The S3 endpoint that the credentials open."},
    {"control",
     "Where accounts, users, tokens, revocations, usage and the export's ledger are kept: in the "
     "data folder, or in PostgreSQL, which several nodes can share."},
    {"objects",
     "Where the parts of the export lie: in the data folder, encrypted, or in a bucket of S3 that "
     "is "
     "named by [s3] bucket and region."},
    {"issuer",
     "Who mints the credentials: this server for its own endpoint, or the STS of a bucket that "
     "somebody else keeps. `valetkeyd issuer check` tries it."},
    {"api", "The API that exchanges tokens for credentials."},
    {"console", "The web console at / of the API's address."},
    {"oidc",
     "Sign-in to the console at an identity provider (OpenID Connect). Its redirect address is "
     "[api] "
     "public_url and /v2/console/oidc/callback."},
    {"intake", "Events in: POST /v1/events on the API's listener, or on one of its own."},
    {"events",
     "Where events wait for the exporter: in the data folder, encrypted, or in a topic of Kafka, "
     "which is made if it is missing."},
    {"export", "Events out: the exporter in the server turns what waits into Parquet."},
    {"limits", "Limits on what clients can take. Those on connections count per listener."},
    {"log", "Logs go to stderr, one line an event. Secrets and query strings never enter them."},
});

#define FIELD(path) [](Config& c) -> SettingTarget { return &c.path; }
constexpr auto kSettings = std::to_array<Setting>({
    {"listen", "api", FIELD(listen.api), "Address of the API."},
    {"listen", "s3", FIELD(listen.s3), "Address of the S3 endpoint."},
    {"listen", "admin", FIELD(listen.admin),
     "Address of /metrics, /healthz and /readyz. Needs no token: keep it private."},
    {"listen", "intake", FIELD(listen.intake),
     "Address of POST /v1/events alone, which the API then does not answer. Empty: the API's."},
    {"listen", "insecure_listen", FIELD(listen.insecure_listen),
     "true allows plain HTTP beyond loopback: tokens and data then cross the network in the clear, "
     "unless something in front of the server does TLS."},

    {"tls", "certificate", FIELD(tls.certificate),
     "PEM file with the certificate chain, leaf first."},
    {"tls", "key", FIELD(tls.key), "PEM file with its key; others must not be able to read it."},

    {"credentials", "min_duration", FIELD(credentials.min_duration),
     "The shortest duration that may be asked for.", 60'000, 12 * kHourMs},
    {"credentials", "default_duration", FIELD(credentials.default_duration),
     "The duration when none is asked for.", 60'000, 12 * kHourMs},
    {"credentials", "max_duration", FIELD(credentials.max_duration),
     "The longest duration that may be asked for, and what the container endpoint always gives.",
     60'000, 12 * kHourMs},

    {"s3", "bucket", FIELD(s3.bucket),
     "Name of the bucket. It is bound into every stored object: never change it after an import."},
    {"s3", "region", FIELD(s3.region), "Region told to clients."},
    {"s3", "domain", FIELD(s3.domain),
     "With s3.example.org, BUCKET.s3.example.org is understood too (virtual-hosted style). Empty: "
     "path style only."},
    {"s3", "public_endpoint", FIELD(s3.public_endpoint),
     "URL of the S3 endpoint as clients reach it. Empty: the listener's own address."},
    {"s3", "strict_region", FIELD(s3.strict_region),
     "true refuses signatures made for another region, as AWS does."},
    {"s3", "cors_origins", FIELD(s3.cors_origins),
     "Origins whose web pages may read the S3 endpoint, as [\"https://app.example.org\"]; \"*\" is "
     "any."},

    {"control", "kind", FIELD(control.kind),
     "sqlite: in files of the data folder. postgresql: in the database of url. `valetkeyd control "
     "copy` moves an installation.",
     0, 0, "sqlite|postgresql"},
    {"control", "url", FIELD(control.url),
     "Connection string of PostgreSQL as libpq takes it, as "
     "postgresql://valetkey@db1,db2:5432/valetkey?sslmode=verify-full: several hosts, TLS by "
     "sslmode and sslrootcert. Never with a password."},
    {"control", "password_file", FIELD(control.password_file),
     "File whose first line is the password; others must not be able to read it. Empty: the "
     "passfile of libpq."},

    {"objects", "kind", FIELD(objects.kind),
     "disk: below the data folder. s3: in a bucket of AWS, Ceph or MinIO, whose own encryption "
     "holds "
     "there.",
     0, 0, "disk|s3"},
    {"objects", "endpoint", FIELD(objects.endpoint),
     "URL of S3, as this server reaches it. Empty: AWS's of [s3] region."},
    {"objects", "internal_bucket", FIELD(objects.internal_bucket),
     "A second bucket, for what the exporter keeps for itself; no customer may read it."},
    {"objects", "profile", FIELD(objects.profile),
     "Profile of the AWS files with which this server writes and reads. Empty: as [issuer] profile "
     "says."},
    {"objects", "encryption", FIELD(objects.encryption),
     "AES256 or aws:kms: asked for with each object. Empty: as the bucket does.", 0, 0,
     "|AES256|aws:kms"},
    {"objects", "kms_key_id", FIELD(objects.kms_key_id),
     "The key of aws:kms. Empty: the bucket's own."},
    {"objects", "ca_file", FIELD(objects.ca_file),
     "PEM file with the certificates to trust there. Empty: what the system trusts."},

    {"issuer", "kind", FIELD(issuer.kind),
     "sealed: sessions of this server's own S3 endpoint. sts: sessions of an AWS role, for the "
     "bucket of [s3], which somebody else fills; there is no S3 endpoint then.",
     0, 0, "sealed|sts"},
    {"issuer", "engine", FIELD(issuer.engine),
     "What answers STS. On Ceph each account gets a role, since policies of sessions bind nobody "
     "there.",
     0, 0, "aws|ceph|minio"},
    {"issuer", "endpoint", FIELD(issuer.endpoint),
     "URL of STS. Empty: AWS's of [s3] region, or AWS_ENDPOINT_URL_STS. Of Ceph a gateway that "
     "clients do not reach."},
    {"issuer", "iam_endpoint", FIELD(issuer.iam_endpoint),
     "URL at which roles are kept. Empty: AWS's, or of Ceph the same as endpoint."},
    {"issuer", "role_arn", FIELD(issuer.role_arn),
     "ARN of the role whose sessions tokens buy. {account} stands for the account's id; on Ceph "
     "the name must hold it."},
    {"issuer", "trusted_user_arn", FIELD(issuer.trusted_user_arn),
     "Of Ceph: ARN of the user whose keys this server has, whom the roles trust."},
    {"issuer", "external_id", FIELD(issuer.external_id),
     "ExternalId that the role's trust policy asks for. Empty: none."},
    {"issuer", "bucket", FIELD(issuer.bucket),
     "Bucket of an account; {account} stands for its id. Empty: [s3] bucket. `account set "
     "--bucket` names another for one account."},
    {"issuer", "prefix", FIELD(issuer.prefix),
     "Prefix of an account, ending in /. `account set --prefix` names another for one account."},
    {"issuer", "kms_key_arn", FIELD(issuer.kms_key_arn),
     "ARN of the KMS key of the bucket, which readers must be allowed to decrypt with. Empty: "
     "none."},
    {"issuer", "profile", FIELD(issuer.profile),
     "Profile of the AWS files that has this server's own credentials. Empty: the environment, web "
     "identity, AWS_PROFILE, the container's or the instance's role, in this order."},
    {"issuer", "roles_profile", FIELD(issuer.roles_profile),
     "The same for the calls that make, change and cut off roles. Empty: profile."},
    {"issuer", "ca_file", FIELD(issuer.ca_file),
     "PEM file with the certificates to trust at the engine. Empty: what the system trusts."},
    {"issuer", "calls_per_s", FIELD(issuer.calls_per_s),
     "Most calls to STS per second; who asks beyond it gets 503 and comes again. AWS allows 600 "
     "for all users of an AWS account and region.",
     1, 100'000},

    {"api", "public_url", FIELD(api.public_url),
     "URL of the API as clients reach it. Empty: the listener's own address."},
    {"api", "cors_origins", FIELD(api.cors_origins),
     "Origins whose web pages may call the API, as [\"https://app.example.org\"]; \"*\" is any."},

    {"console", "enabled", FIELD(console.enabled),
     "false serves no web pages and none of their routes: nobody signs in. What programs do with a "
     "token goes on."},

    {"oidc", "issuer", FIELD(oidc.issuer),
     "URL of the provider, exactly as it names itself. Empty: people sign in with passwords."},
    {"oidc", "client_id", FIELD(oidc.client_id), "As which the provider knows this console."},
    {"oidc", "client_secret_file", FIELD(oidc.client_secret_file),
     "File with the secret of that client; others must not be able to read it."},
    {"oidc", "passwords", FIELD(oidc.passwords),
     "false, where there is an issuer: nobody signs in with a password."},

    {"intake", "enabled", FIELD(intake.enabled), "false takes no events and runs no exporter."},
    {"intake", "longest_wait", FIELD(intake.longest_wait),
     "How long a request's events may wait for those of others, to be written to disk together.", 0,
     1000},
    {"intake", "max_waiting_bytes", FIELD(intake.max_waiting_bytes),
     "With more event bytes waiting for the exporter, senders get 503 and send again later.",
     16 << 20, 1024 * kGiB},
    {"intake", "max_body_bytes", FIELD(intake.max_body_bytes), "Largest body of a request.", 1024,
     64 << 20},
    {"intake", "max_unzipped_bytes", FIELD(intake.max_unzipped_bytes),
     "Largest body of a request that is sent with gzip, once unzipped.", 1024, 256 << 20},
    {"intake", "max_row_values", FIELD(intake.max_row_values),
     "Most attributes, decisions and tags of a request, counted in each row that repeats them.",
     1000, 10'000'000},
    {"intake", "max_row_bytes", FIELD(intake.max_row_bytes),
     "Most text of a request, counted in each row that repeats it.", 1 << 20, kGiB},

    {"events", "kind", FIELD(events.kind),
     "disk: below the data folder. kafka: in a topic of Kafka, which does not encrypt it on its "
     "disks. What still waits in the data folder is exported all the same.",
     0, 0, "disk|kafka"},
    {"events", "brokers", FIELD(events.brokers),
     "Brokers of Kafka, as [\"kafka1.example.org:9092\"]; they name the others."},
    {"events", "topic", FIELD(events.topic), "The topic, of this installation alone."},
    {"events", "partitions", FIELD(events.partitions),
     "Partitions of the topic. Never change it: an account's events meet in one of them.", 1, 1024},
    {"events", "replicas", FIELD(events.replicas),
     "Copies that Kafka keeps of each event at least; an event is acknowledged when 2 brokers have "
     "it. 1 loses events with a broker's disk.",
     1, 10},
    {"events", "tls", FIELD(events.tls), "false reaches the brokers in the clear."},
    {"events", "ca_file", FIELD(events.ca_file),
     "PEM file with the certificates to trust at the brokers. Empty: what the system trusts."},
    {"events", "username", FIELD(events.username),
     "As which this server signs in to Kafka (SASL). Empty: it does not."},
    {"events", "password_file", FIELD(events.password_file),
     "File with its password; others must not be able to read it."},
    {"events", "mechanism", FIELD(events.mechanism),
     "How it signs in. The librdkafka of Debian 12 cannot sign in with SCRAM to Kafka 3.8.1 and "
     "later: PLAIN, over TLS alone, does.",
     0, 0, "SCRAM-SHA-512|SCRAM-SHA-256|PLAIN"},
    {"events", "max_queued_bytes", FIELD(events.max_queued_bytes),
     "With more event bytes on the way to Kafka and not acknowledged, senders get 503.", 1 << 20,
     16 * kGiB},
    {"events", "keep", FIELD(events.keep),
     "How long exported events stay readable in the topic, for a ledger that was restored to an "
     "earlier state.",
     0, 7 * 24 * kHourMs},

    {"export", "longest_wait", FIELD(exporting.longest_wait),
     "How long an event may wait before it is exported.", 1000, 24 * kHourMs},
    {"export", "cut", FIELD(exporting.cut),
     "When events become parts. batch: with each batch, so within longest_wait. hour or day: "
     "batches "
     "wait as runs, which become parts when the hour or the day (UTC) is over, so there are 24 or "
     "1 "
     "a day in place of one for each longest_wait.",
     0, 0, "batch|hour|day"},
    {"export", "batch_bytes", FIELD(exporting.batch_bytes),
     "So many event bytes waiting are exported at once, and no batch is larger.", 1 << 20, kGiB},
    {"export", "memory_limit_mib", FIELD(exporting.memory_limit_mib),
     "Memory that DuckDB may take, in MiB; beyond it, it spills into the data folder.", 64,
     1 << 20},
    {"export", "threads", FIELD(exporting.threads),
     "Threads that write rows; they share memory_limit_mib. `valetkeyd export` takes one for each "
     "core where no server does its work, if each has 256 MiB.",
     1, 64},
    {"export", "dedup_window", FIELD(exporting.dedup_window),
     "How long an event's uuid is remembered, in whole days: sent again, it is dropped.",
     24 * kHourMs, 90 * 24 * kHourMs},
    {"export", "dedup", FIELD(exporting.dedup),
     "window: an event is compared with all uuids of dedup_window, which costs more the more there "
     "are. day: with those in memory alone, which costs the same however many there are; what a "
     "day (UTC) has twice is left once before its _SUCCESS, and what comes again on a later day, "
     "when its uuid is no longer in memory, is exported again.",
     0, 0, "window|day"},
    {"export", "dedup_memory_mib", FIELD(exporting.dedup_memory_mib),
     "Memory for the newest uuids of the partitions that this node exports, in MiB: 65,536 each.",
     1, 1 << 20},
    {"export", "grace", FIELD(exporting.grace),
     "How long after midnight (UTC) a day is closed with _SUCCESS.", 0, 12 * kHourMs},
    {"export", "fence", FIELD(exporting.fence),
     "Of several nodes: how long days stay open, and erasures wait, after all was exported. A node "
     "that lost its work while it wrote may write until then; S3 takes no request that was signed "
     "more than 15 minutes ago.",
     16 * 60'000, 24 * kHourMs},
    {"export", "max_partitions_a_day", FIELD(exporting.max_partitions_a_day),
     "Most experiments, and most event names, of an account and day with a folder of their own; "
     "the rows of others lie in __other__.",
     1, 100'000},
    {"export", "timestamps", FIELD(exporting.timestamps),
     "Unit of the timestamps in new parts: us (with field ids; what Iceberg needs) or ms. Empty: "
     "us "
     "in a data folder that this release or a later one made, ms in an older one until `valetkeyd "
     "export rewrite`."},
    {"export", "duckdb_library", FIELD(exporting.duckdb_library),
     "Path of libduckdb.so. Empty: where the package installs it, or below node_modules."},
    {"export", "duckdb_sha256", FIELD(exporting.duckdb_sha256),
     "SHA-256 of that library, as hex; another one is refused. Empty: of the version that Valetkey "
     "ships with."},

    {"limits", "max_head_bytes", FIELD(limits.http.max_head_bytes),
     "Longest request line and headers, in bytes.", 1024, 1 << 20},
    {"limits", "max_headers", FIELD(limits.http.max_headers), "Most headers of a request.", 8,
     1000},
    {"limits", "max_connections", FIELD(limits.http.max_connections),
     "Most connections of a listener; more get 503.", 1, 1'000'000},
    {"limits", "max_connections_per_block", FIELD(limits.http.max_connections_per_block),
     "Most connections of one IPv4 address or IPv6 /64; 0 is no limit.", 0, 1'000'000},
    {"limits", "head_timeout", FIELD(limits.http.head_timeout),
     "Longest time for the headers of a request to arrive.", 100, kHourMs},
    {"limits", "body_timeout", FIELD(limits.http.body_timeout),
     "Longest silence while a request's body arrives.", 100, kHourMs},
    {"limits", "min_body_bytes_per_s", FIELD(limits.http.min_body_bytes_per_s),
     "Slowest body that is accepted, in bytes per second, after its first 10 s.", 0, kGiB},
    {"limits", "max_bodies_bytes", FIELD(limits.bodies.max_bytes),
     "Memory for the bodies of all requests in flight. What finds no room waits for 5 s, then gets "
     "503; bodies that have stalled for 2 s are cut then, the oldest first. Never less than "
     "[intake] "
     "max_body_bytes.",
     1 << 20, 1024 * kGiB},
    {"limits", "max_bodies_bytes_per_block", FIELD(limits.bodies.max_bytes_per_block),
     "The same for those of one IPv4 address or IPv6 /64; 0 is no limit.", 0, 1024 * kGiB},
    {"limits", "write_timeout", FIELD(limits.http.write_timeout),
     "Longest time without progress while an answer is sent.", 100, kHourMs},
    {"limits", "idle_timeout", FIELD(limits.http.idle_timeout),
     "Longest silence between the requests of a connection.", 100, 24 * kHourMs},
    {"limits", "trusted_proxies", FIELD(limits.trusted_proxies),
     "Addresses and CIDR blocks of proxies whose X-Forwarded-For is believed, as "
     "[\"10.0.0.0/8\"]."},
    {"limits", "auth_failures_burst", FIELD(limits.auth_failures.burst),
     "Failed authentications of one address block that are answered 401 before 429 follows; 0 is "
     "no "
     "limit. A valid token is never slowed by them.",
     0, 1'000'000},
    {"limits", "auth_failures_interval", FIELD(limits.auth_failures.interval),
     "One more failure is forgiven every so often.", 1, kHourMs},
    {"limits", "token_requests_per_s", FIELD(limits.token_requests_per_s),
     "Most API requests of one token per second, of which 20 seconds' worth may come at once; more "
     "get 429. 0 is no limit.",
     0, 1'000'000},
    {"limits", "tokens_per_user", FIELD(limits.tokens.per_user),
     "Most tokens of one user that count (neither revoked nor expired), and most that are made for "
     "one within 24 hours; more get 403. 0 is no limit.",
     0, 1'000'000},
    {"limits", "tokens_per_account", FIELD(limits.tokens.per_account), "The same of one account.",
     0, 100'000'000},
    {"limits", "token_creations_per_s", FIELD(limits.token_creations_per_s),
     "Most tokens that one user creates per second over REST, and ten times as many an account; 20 "
     "seconds' worth may come at once, more get 429. 0 is no limit.",
     0, 1'000'000},
    {"limits", "account_max_requests", FIELD(limits.account.max_requests),
     "Most S3 requests of one account running at once; more get 503 SlowDown.", 1, 1'000'000},
    {"limits", "account_requests_per_s", FIELD(limits.account.requests_per_s),
     "Most S3 requests of one account per second; 0 is no limit.", 0, 1'000'000},
    {"limits", "account_bytes_per_s", FIELD(limits.account.bytes_per_s),
     "Most bytes of one account per second; 0 is no limit.", 0, 1024 * kGiB},
    {"limits", "shutdown_delay", FIELD(limits.shutdown_delay),
     "How long after SIGTERM /readyz answers 503 while requests are still accepted, so that a load "
     "balancer turns away first.",
     0, kHourMs},
    {"limits", "shutdown_grace", FIELD(limits.shutdown_grace),
     "How long running requests may finish after SIGTERM before they are cut.", 0, 24 * kHourMs},
    {"limits", "threads", FIELD(limits.threads), "Threads that serve requests; 0 is one per core.",
     0, 256},
    {"limits", "blocking_threads", FIELD(limits.blocking_threads),
     "Threads for what waits for the disk.", 1, 256},
    {"limits", "disk_watermark_percent", FIELD(limits.disk_watermark_percent),
     "From this share of the disk in use on, logs, /readyz and a metric warn.", 1, 100},
    {"limits", "min_free_bytes", FIELD(limits.min_free_bytes),
     "With fewer bytes free on the disk, /readyz answers 503.", 0, 1024 * kGiB},

    {"log", "level", FIELD(log.level), "The least severe level that is logged.", 0, 0,
     "debug|info|warn|error|off"},
    {"log", "format", FIELD(log.format), "text is key=value for people, json is for machines.", 0,
     0, "text|json"},
    {"log", "requests", FIELD(log.requests),
     "Which requests are logged: all, those that failed (status 400 and above, or aborted), or "
     "none.",
     0, 0, "all|errors|none"},
});
#undef FIELD

}  // namespace

std::span<const Section> sections() { return kSections; }
std::span<const Setting> settings() { return kSettings; }

}  // namespace valetkey::config
