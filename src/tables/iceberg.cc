// SPDX-License-Identifier: Apache-2.0
#include "tables/iceberg.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/crypto.h"
#include "base/json_text.h"
#include "layout/part_key.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::RowType;

// Without them clients take it that everything exists.
constexpr std::string_view kEndpoints[] = {
    "GET /v1/config",
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"};

constexpr seconds kUnready{60};

std::string_view type_of(int status) {
  switch (status) {
    case 400:
      return "BadRequestException";
    case 401:
      return "NotAuthorizedException";
    case 403:
      return "ForbiddenException";
    case 404:
      return "NotFoundException";
    case 409:
      return "ConflictException";
    case 413:
      return "RequestTooLargeException";
    case 429:
      return "TooManyRequestsException";
    case 501:
      return "UnsupportedOperationException";
    case 503:
      return "ServiceUnavailableException";
    default:
      return "InternalServerError";
  }
}

http::Response with_json(const json::value& value) {
  return api::json_response(200, json::serialize(value));
}

std::unexpected<Refusal> no_such_table(std::string_view name) {
  return tables::refuse(404, "NoSuchTableException",
                        fmt::format("There is no table {}: this token opens what GET "
                                    "…/namespaces/export/tables lists.",
                                    name));
}

json::value config_of(const Call& call) {
  json::array endpoints;
  for (const std::string_view endpoint : kEndpoints) endpoints.emplace_back(endpoint);
  return json::object{{"defaults", json::object()},
                      {"overrides", {{"prefix", call.grant.account.str()}}},
                      {"endpoints", std::move(endpoints)}};
}

json::value tables_of(const Call& call) {
  json::array identifiers;
  for (const RowType type : {RowType::decisions, RowType::events})
    if (opens(call.grant, type))
      identifiers.push_back(
          json::object{{"namespace", json::array{kNamespace}}, {"name", layout::name_of(type)}});
  return json::object{{"identifiers", std::move(identifiers)}};
}

// Whether a query asks for what lies below a namespace, where there is nothing.
bool asks_below(std::string_view query) {
  const auto parameters = http::parse_query(query);
  return parameters && std::ranges::any_of(*parameters, [](const http::QueryParameter& each) {
           return each.name == "parent" && !each.value.empty();
         });
}

std::string etag_of(std::string_view key) {
  return fmt::format("\"{}\"", sha256_hex(key).substr(0, 32));
}

// What keeps a table from Iceberg's readers, who would fail or read wrong rows.
Answer<void> check_ready(const storage::UnreadyParts& parts) {
  if (!parts.milliseconds.empty())
    return refuse(
        409, {},
        fmt::format(
            "The part {} keeps its times in milliseconds, which readers of Iceberg get "
            "wrong: let the operator run `valetkeyd export rewrite` once. Delta Sharing and "
            "S3 read it as it is.",
            parts.milliseconds));
  if (!parts.unreadable.empty())
    return refuse(409, {},
                  fmt::format("The part {} is no Parquet that can be read, and every query would "
                              "end there: let the operator import a sound copy of it. S3 and Delta "
                              "Sharing hand it out as it is.",
                              parts.unreadable));
  if (!parts.unread.empty())
    return std::unexpected(Refusal{
        503,
        {},
        fmt::format("The part {} has not been looked through yet, as after an import or an update: "
                    "try again in a minute. Delta Sharing and S3 read it as it is.",
                    parts.unread),
        kUnready,
        {}});
  return {};
}

}  // namespace

http::Response IcebergCatalog::refuse(const Refusal& refusal) {
  http::Response response = api::json_response(
      refusal.status, json::serialize(json::object{
                          {"error",
                           {{"message", refusal.message},
                            {"type", refusal.type.empty() ? type_of(refusal.status) : refusal.type},
                            {"code", refusal.status}}}}));
  if (refusal.status == 401) response.set("WWW-Authenticate", "Bearer");
  return response;
}

Answer<http::Response> IcebergCatalog::answer(const Call& call) {
  std::span<const std::string> path = call.path;
  const auto method = call.request.method;
  if (path.size() == 1 && path[0] == "config" && method == http::Method::get)
    return with_json(config_of(call));
  if (method != http::Method::get && method != http::Method::head)
    return tables::refuse(403, {},
                          "The tables are read only: events reach them by POST /v1/events, and an "
                          "import by `valetkeyd import`.");
  // Some clients leave the prefix out.
  if (!path.empty() && path[0] != "namespaces") {
    if (path[0] != call.grant.account.str())
      return tables::refuse(
          404, "NoSuchWarehouseException",
          fmt::format("This token opens account {} and no other.", call.grant.account.str()));
    path = path.subspan(1);
  }
  if (path.empty() || path[0] != "namespaces")
    return tables::refuse(404, {}, "There is no such resource in an Iceberg catalog.");
  return of_namespace(call, path.subspan(1));
}

Answer<http::Response> IcebergCatalog::of_namespace(const Call& call,
                                                    std::span<const std::string> path) {
  if (path.empty()) {
    json::array namespaces;
    if (!asks_below(call.request.query)) namespaces.push_back(json::array{kNamespace});
    return with_json(json::object{{"namespaces", std::move(namespaces)}});
  }
  const bool here = path[0] == kNamespace;
  // Spark looks for a table of the name `export.decisions` + `.snapshots` in a namespace that is a table first.
  if (path.size() >= 3 && path[1] == "tables")
    return here ? of_table(call, path.subspan(2)) : no_such_table(path[2]);
  if (!here)
    return tables::refuse(404, "NoSuchNamespaceException",
                          fmt::format("There is no namespace {}, but only `export`.", path[0]));
  if (path.size() == 1)
    return with_json(
        json::object{{"namespace", json::array{kNamespace}}, {"properties", json::object()}});
  if (path.size() == 2 && path[1] == "tables") return with_json(tables_of(call));
  if (path.size() == 2 && path[1] == "views")
    return with_json(json::object{{"identifiers", json::array()}});
  if (path.size() == 3 && path[1] == "views")
    return tables::refuse(404, "NoSuchViewException", "There are no views here.");
  return tables::refuse(404, {}, "There is no such resource in an Iceberg catalog.");
}

Answer<http::Response> IcebergCatalog::of_table(const Call& call,
                                                std::span<const std::string> path) {
  const auto type = table_of(call.grant, path[0]);
  if (!type) return no_such_table(path[0]);
  if (path.size() == 2 && path[1] == "credentials") return credentials(call, *type);
  if (path.size() != 1)
    return tables::refuse(404, {}, "There is no such resource in an Iceberg catalog.");
  if (call.request.method == http::Method::head) return http::Response(204);
  return load(call, *type);
}

Answer<http::Response> IcebergCatalog::load(const Call& call, RowType type) {
  const Table table{call.grant.account, type};
  const auto unready = catalog_.unready_parts(table.account, table.type);
  if (!unready)
    return std::unexpected(refusal_of(unready.error(), "reading the catalog", call.request));
  if (auto ready = check_ready(*unready); !ready) return std::unexpected(ready.error());
  const auto snapshot = snapshots_.current(table, call.now());
  if (!snapshot)
    return std::unexpected(refusal_of(snapshot.error(), "reading the catalog", call.request));
  const std::string key = Snapshots::key_of(table, *snapshot);
  const std::string etag = etag_of(key);
  const auto known = call.request.header("if-none-match");
  if (known && known->contains(etag)) {
    http::Response response(304);
    response.set("ETag", etag);
    return response;
  }
  auto config = storage(call, type, "iceberg.load");
  if (!config) return std::unexpected(config.error());
  std::string body = "{\"metadata-location\":";
  append_json(body, fmt::format("s3://{}/{}", engine_credentials_.options().bucket, key));
  (body += ",\"metadata\":") += snapshots_.metadata_of(table, *snapshot);
  // Older clients read the one, newer ones the other.
  (body += ",\"config\":") += *config;
  body += fmt::format(",\"storage-credentials\":{}}}", credentials_list(call, *config));
  http::Response response = api::json_response(200, std::move(body));
  response.set("ETag", etag);
  return response;
}

Answer<http::Response> IcebergCatalog::credentials(const Call& call, RowType type) {
  auto config = storage(call, type, "iceberg.credentials");
  if (!config) return std::unexpected(config.error());
  return api::json_response(
      200, fmt::format("{{\"storage-credentials\":{}}}", credentials_list(call, *config)));
}

std::string IcebergCatalog::credentials_list(const Call& call, std::string_view storage) const {
  std::string out = "[{\"prefix\":";
  append_json(out, fmt::format("s3://{}/{}", engine_credentials_.options().bucket,
                               layout::account_prefix(call.grant.account)));
  return out += fmt::format(",\"config\":{}}}]", storage);
}

// What an engine's file reader needs, as JSON.
Answer<std::string> IcebergCatalog::storage(const Call& call, RowType type,
                                            std::string_view action) {
  const auto made = engine_credentials_.issue(call, action);
  if (!made) return std::unexpected(made.error());
  const api::Options& options = engine_credentials_.options();
  json::object config{{"s3.access-key-id", made->access_key_id},
                      {"s3.secret-access-key", made->secret_access_key.reveal()},
                      {"s3.session-token", made->session_token.reveal()},
                      {"s3.session-token-expires-at-ms", std::to_string(epoch_ms(made->expires))},
                      {"s3.endpoint", options.public_endpoint},
                      {"s3.path-style-access", "true"},
                      {"s3.remote-signing-enabled", "false"},
                      {"s3.region", options.region},
                      {"client.region", options.region},
                      {"client.refresh-credentials-endpoint",
                       fmt::format("v1/{}/namespaces/{}/tables/{}/credentials",
                                   call.grant.account.str(), kNamespace, layout::name_of(type))}};
  // It would ask for the bucket twice: it takes the endpoint from the statement that attaches the catalog.
  if (call.request.header("user-agent").value_or("").starts_with("ClickHouse"))
    config.erase("s3.endpoint");
  return json::serialize(config);
}

}  // namespace valetkey::tables
