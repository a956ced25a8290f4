// SPDX-License-Identifier: Apache-2.0
// Lines to paste into each engine that reads the export as tables, and the profile of Delta Sharing.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "layout/part_key.h"
#include "terminal/output.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;

// What the lines of an engine name: {api}, {s3}, {bucket}, {prefix}, {account}, {region}, and
// {token}.
struct Engine {
  std::string_view name;
  std::string_view title;
  std::string_view lines;
};

constexpr std::array kEngines{
    Engine{"s3", "Any S3 client, through credentials that the SDK renews",
           R"(export AWS_CONTAINER_CREDENTIALS_FULL_URI={api}/v2/export/credentials/container
export AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer {token}"
aws --endpoint-url {s3} --region {region} s3 ls s3://{bucket}/{prefix}
)"},
    Engine{"duckdb", "DuckDB, as Iceberg tables",
           R"(INSTALL iceberg; LOAD iceberg;
ATTACH '{account}' AS vk (TYPE iceberg, ENDPOINT '{api}/iceberg', TOKEN '{token}');
SELECT variation_id, count(DISTINCT visitor_id) FROM vk.export.decisions GROUP BY 1 ORDER BY 1;
)"},
    Engine{"pyiceberg", "PyIceberg",
           R"(from pyiceberg.catalog import load_catalog
catalog = load_catalog("vk", type="rest", uri="{api}/iceberg", token="{token}")
print(catalog.load_table("export.decisions").scan().to_pandas()
      .groupby("variation_id")["visitor_id"].nunique())
)"},
    Engine{"polars", "Polars, through PyIceberg",
           R"(import polars
from pyiceberg.catalog import load_catalog
catalog = load_catalog("vk", type="rest", uri="{api}/iceberg", token="{token}")
table = catalog.load_table("export.decisions")
s3 = {{k: v for k, v in table.io.properties.items() if k.startswith("s3.")}}
print(polars.scan_iceberg(table, storage_options=s3)
      .group_by("variation_id").agg(polars.col("visitor_id").n_unique()).collect())
)"},
    Engine{"spark", "Spark 3.5, as Iceberg tables",
           R"(spark-sql \
  --packages org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.12.0,org.apache.iceberg:iceberg-aws-bundle:1.12.0 \
  --conf spark.sql.catalog.vk=org.apache.iceberg.spark.SparkCatalog \
  --conf spark.sql.catalog.vk.type=rest \
  --conf spark.sql.catalog.vk.uri={api}/iceberg \
  --conf spark.sql.catalog.vk.credential="any:{token}" \
  --conf spark.sql.catalog.vk.oauth2-server-uri={api}/iceberg/v1/oauth/tokens \
  --conf spark.sql.catalog.vk.header.X-Iceberg-Access-Delegation=vended-credentials \
  --conf spark.sql.catalog.vk.io-impl=org.apache.iceberg.aws.s3.S3FileIO \
  -e 'SELECT variation_id, count(DISTINCT visitor_id) FROM vk.export.decisions GROUP BY 1'
)"},
    Engine{"clickhouse", "ClickHouse, as Iceberg tables",
           R"(SET allow_experimental_database_iceberg = 1;
CREATE DATABASE vk ENGINE = DataLakeCatalog('{api}/iceberg')
  SETTINGS catalog_type = 'rest', warehouse = '{account}', vended_credentials = true,
  storage_endpoint = '{s3}/{bucket}', auth_header = 'Authorization: Bearer {token}';
SELECT variation_id, uniqExact(visitor_id) FROM vk.`export.decisions` GROUP BY 1;
)"},
    Engine{"trino", "Trino, as Iceberg tables: etc/catalog/vk.properties",
           R"(connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri={api}/iceberg
iceberg.rest-catalog.security=OAUTH2
iceberg.rest-catalog.oauth2.token={token}
iceberg.rest-catalog.vended-credentials-enabled=true
fs.s3.enabled=true
s3.endpoint={s3}
s3.region={region}
s3.path-style-access=true
)"},
    Engine{"sharing", "Delta Sharing with pandas, after `valetkey configure share`",
           R"(import delta_sharing
decisions = delta_sharing.load_as_pandas("valetkey.share#account-{account}.export.decisions")
print(decisions.groupby("variation_id")["visitor_id"].nunique())
)"},
};

// The account whose prefix the credentials open.
Result<std::string> account_of(const client::Grant& grant) {
  const auto account = layout::account_in(grant.prefix);
  if (!account || layout::account_prefix(*account) != grant.prefix)
    return fail(ErrorCode::invalid,
                "the data lies in a bucket that this service keeps no tables of: read it by S3");
  return account->str();
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

std::vector<std::string> engine_names() {
  std::vector<std::string> names{"all"};
  for (const Engine& engine : kEngines) names.emplace_back(engine.name);
  return names;
}

Result<void> run_tables(Context& context, const TablesFlags& flags, Streams streams) {
  VALETKEY_TRY(const client::GrantPtr grant, context.grant());
  VALETKEY_TRY(const std::string account, account_of(*grant));
  const std::string token =
      flags.show_token ? std::string(context.profile().token.reveal()) : "$TOKEN";
  bool first = true;
  for (const Engine& engine : kEngines) {
    if (flags.engine != "all" && flags.engine != engine.name) continue;
    if (flags.engine == "all") streams.out << (first ? "" : "\n") << "# " << engine.title << '\n';
    first = false;
    streams.out << fmt::format(
        fmt::runtime(engine.lines), fmt::arg("api", without_slash(context.profile().api)),
        fmt::arg("s3", without_slash(grant->endpoint)), fmt::arg("bucket", grant->bucket),
        fmt::arg("prefix", grant->prefix), fmt::arg("account", account),
        fmt::arg("region", grant->region), fmt::arg("token", token));
  }
  if (!flags.show_token)
    streams.err << "Put the token in place of $TOKEN, or run this with --show-token.\n";
  return {};
}

Result<void> run_configure_share(Context& context, const std::string& file, Streams streams) {
  VALETKEY_TRY(const client::GrantPtr grant, context.grant());
  VALETKEY_TRY(const std::string account, account_of(*grant));
  const client::Profile& profile = context.profile();
  std::string text =
      fmt::format("{{\"shareCredentialsVersion\":1,\"endpoint\":{},\"bearerToken\":{}",
                  quote_json(without_slash(profile.api) + "/delta-sharing/"),
                  quote_json(profile.token.reveal()));
  if (grant->token_expires)
    text +=
        fmt::format(",\"expirationTime\":{}", quote_json(format_iso8601_ms(*grant->token_expires)));
  text += "}\n";
  auto written = replace_file(file, text);
  wipe(text);
  VALETKEY_CHECK(terminal::with_room_advice(std::move(written), fs::path(file).parent_path(),
                                            "let --output name another file"));
  streams.out << fmt::format(
      "{} holds the token, mode 0600: delta_sharing.load_as_pandas(\"{}#"
      "account-{}.export.decisions\")\n",
      file, file, account);
  return {};
}

}  // namespace valetkey::cli
