// SPDX-License-Identifier: Apache-2.0
#include "tables/sharing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json_text.h"
#include "base/text.h"
#include "layout/part_key.h"
#include "sigv4/sign.h"
#include "tables/internal/sharing_query.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::RowType;

constexpr std::string_view kNdjson = "application/x-ndjson; charset=utf-8";
constexpr std::size_t kPage = 1'000;  // parts asked for at once

std::string_view code_of(int status) {
  switch (status) {
    case 400:
      return "INVALID_PARAMETER_VALUE";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "RESOURCE_DOES_NOT_EXIST";
    case 413:
      return "REQUEST_LIMIT_EXCEEDED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 501:
      return "NOT_IMPLEMENTED";
    case 503:
      return "TEMPORARILY_UNAVAILABLE";
    default:
      return "INTERNAL_ERROR";
  }
}

std::unexpected<Refusal> nothing_there() {
  return refuse(404, {}, "There is no such share, schema or table: ask for GET …/shares.");
}

http::Response with_json(const json::value& value) {
  return api::json_response(200, json::serialize(value));
}

std::string share_of(const Call& call) { return "account-" + call.grant.account.str(); }

json::object describe_share(const Call& call) {
  return {{"name", share_of(call)}, {"id", call.grant.account.str()}};
}

json::value tables_of(const Call& call) {
  json::array items;
  for (const RowType type : {RowType::decisions, RowType::events})
    if (opens(call.grant, type))
      items.push_back(json::object{
          {"name", layout::name_of(type)},
          {"schema", kNamespace},
          {"share", share_of(call)},
          {"shareId", call.grant.account.str()},
          {"id", fmt::format("{}-{}", call.grant.account.str(), layout::name_of(type))}});
  return json::object{{"items", std::move(items)}};
}

http::Response with_lines(const Snapshot& snapshot, std::string lines) {
  http::Response response;
  response.set("Cache-Control", "no-store").set("X-Content-Type-Options", "nosniff");
  response.set("Delta-Table-Version", std::to_string(snapshot.generation));
  response.set("Delta-Sharing-Capabilities", "responseformat=parquet");
  response.body(std::move(lines), kNdjson);
  return response;
}

std::string head_lines(RowType type, std::string_view location) {
  json::object metadata{
      {"id", layout::uuid_of(location)},         {"name", layout::name_of(type)},
      {"format", {{"provider", "parquet"}}},     {"schemaString", schema_of(type).spark},
      {"partitionColumns", json::array{"date"}}, {"configuration", json::object()}};
  return "{\"protocol\":{\"minReaderVersion\":1}}\n" +
         json::serialize(json::object{{"metaData", std::move(metadata)}}) + "\n";
}

json::value shown(const layout::BoundValue& value, layout::FieldKind kind) {
  if (kind == layout::FieldKind::instant) {
    const auto* at = std::get_if<std::int64_t>(&value);
    if (at == nullptr) return nullptr;
    // Milliseconds, downwards: readers take a greatest value for one, too.
    const auto ms = std::chrono::floor<milliseconds>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(*at)));
    return json::string(format_iso8601_ms(ms));
  }
  return std::visit([](const auto& of) { return json::value(of); }, value);
}

// `stats` of a file, as the text of JSON.
std::string stats_of(RowType type, const storage::CatalogPart& part) {
  json::object stats;
  const auto& known = part.statistics;
  if (known || part.info.rows) stats["numRecords"] = known ? known->rows : *part.info.rows;
  if (!known) return json::serialize(stats);
  json::object least, greatest, nulls;
  for (const layout::ColumnStatistics& column : known->columns) {
    const auto field = layout::find_field(type, column.id);
    if (!field) continue;
    if (column.nulls) nulls[field->path] = *column.nulls;
    if (!column.bounds || field->kind == layout::FieldKind::instant) continue;
    least[field->path] = shown(column.bounds->lower, field->kind);
    greatest[field->path] = shown(column.bounds->upper, field->kind);
  }
  stats["minValues"] = std::move(least);
  stats["maxValues"] = std::move(greatest);
  stats["nullCount"] = std::move(nulls);
  return json::serialize(stats);
}

// Addresses of parts that anybody can read until they end, with the session that signs them.
class Signer {
 public:
  Signer(const access::Credentials& credentials, const api::Options& options, Timestamp now)
      : credentials_{credentials.access_key_id, credentials.secret_access_key,
                     credentials.session_token},
        options_(options),
        now_(now),
        // A signature's time has no fractions.
        signed_at_(std::chrono::floor<seconds>(now)),
        lives_(
            std::max(seconds(1), std::chrono::floor<seconds>(credentials.expires - signed_at_))) {
    endpoint_ = options.public_endpoint;
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    const auto host = endpoint_.find("://");
    host_ = host == std::string::npos ? endpoint_ : endpoint_.substr(host + 3);
    host_ = host_.substr(0, host_.find('/'));
  }
  std::string url(std::string_view key) const {
    const std::string path = "/" + options_.bucket + "/" + percent_encode(key, true);
    const sigv4::ToSign request{
        .path = path, .query = {}, .headers = {{"Host", host_}}, .region = options_.region};
    return endpoint_ + path + "?" + sigv4::presign_query(request, credentials_, now_, lives_);
  }
  std::int64_t ends_ms() const { return epoch_ms(signed_at_ + lives_); }

 private:
  sigv4::SigningCredentials credentials_;
  const api::Options& options_;
  Timestamp now_;
  Timestamp signed_at_;
  seconds lives_;
  std::string endpoint_, host_;
};

void append_file(std::string& out, const storage::CatalogPart& part, RowType type, Date day,
                 std::uint64_t version, const Signer& signer) {
  append_json(out += "{\"file\":{\"url\":", signer.url(part.info.key));
  append_json(out += ",\"id\":", sha256_hex(part.info.key + "\n" + part.info.etag).substr(0, 32));
  append_json(out += ",\"partitionValues\":{\"date\":", format_date(day));
  out += fmt::format("}},\"size\":{},\"stats\":", part.info.size);
  append_json(out, stats_of(type, part));
  out += fmt::format(",\"version\":{},\"timestamp\":{},\"expirationTimestamp\":{}}}}}\n", version,
                     epoch_ms(part.info.modified), signer.ends_ms());
}

// Where a query begins: of a page, where the former one ended.
Answer<PageToken> start_of(const SharingQuery& asked, const Snapshot& snapshot) {
  PageToken from =
      asked.from.value_or(PageToken{snapshot.generation, snapshot.listed_as_of, asked.digest, {}});
  if (asked.version && *asked.version != from.version)
    return refuse(400, {}, fmt::format("Only version {}, the latest, can be read.", from.version));
  return from;
}

// The last line of an answer in pages; `next` is where the following one begins, if there is `more`.
std::string end_line(const SharingQuery& asked, PageToken next, bool more, std::int64_t ends_ms) {
  json::object end{{"minUrlExpirationTimestamp", ends_ms}};
  next.query = asked.digest;
  if (more) end["nextPageToken"] = encode(next);
  next.after.clear();
  if (asked.wants_refresh_token) end["refreshToken"] = encode(next);
  return json::serialize(json::object{{"endStreamAction", std::move(end)}}) + "\n";
}

// The parts that a query may want, in order of their keys, until it has enough of them.
class Walk {
 public:
  Walk(storage::PartCatalog& catalog, const Call& call, RowType type, const SharingQuery& query)
      : catalog_(catalog), call_(call), type_(type), query_(query) {}

  using Take = std::function<bool(const storage::CatalogPart&, Date)>;  // false: that is all
  Result<void> run(std::uint64_t generation, const std::string& after, const Take& take) {
    const std::string folder = layout::type_prefix(call_.grant.account, type_);
    std::string from = after;
    std::size_t limit = 1;  // of a day of which nothing is known yet
    while (true) {
      VALETKEY_TRY(const storage::CatalogPage page,
                   catalog_.list_parts(call_.grant.account, folder, from, limit, generation));
      for (const storage::CatalogPart& part : page.parts) {
        const auto key = layout::PartKey::parse(part.info.key);
        if (!key || !wants(key->name.folder.day) || !wants(part, key->name.folder.day)) continue;
        if (!take(part, key->name.folder.day)) return {};
      }
      if (!page.truncated || page.parts.empty()) return {};
      from = page.parts.back().info.key;
      const auto day = layout::DayKey::containing(from);
      const bool goes_on = !day || wants(day->folder.day);
      if (!goes_on) from = end_of(*day);
      limit = goes_on ? kPage : 1;
    }
  }

 private:
  // Decided once for all parts of a day, which follow each other.
  bool wants(Date day) {
    if (day_ != day) {
      day_ = day;
      wants_day_ = query_.may_hold({type_, day, nullptr});
    }
    return wants_day_;
  }
  // Behind all parts of the day.
  static std::string end_of(const layout::DayKey& day) {
    std::string key = day.str();
    key.back() = '0';  // what follows '/'
    return key;
  }
  bool wants(const storage::CatalogPart& part, Date day) const {
    return query_.may_hold({type_, day, part.statistics ? &*part.statistics : nullptr});
  }

  storage::PartCatalog& catalog_;
  const Call& call_;
  RowType type_;
  const SharingQuery& query_;
  std::optional<Date> day_;
  bool wants_day_ = true;
};

}  // namespace

http::Response DeltaShares::refuse(const Refusal& refusal) {
  http::Response response = api::json_response(
      refusal.status,
      json::serialize(
          json::object{{"errorCode", refusal.type.empty() ? code_of(refusal.status) : refusal.type},
                       {"message", refusal.message}}));
  if (refusal.status == 401) response.set("WWW-Authenticate", "Bearer");
  return response;
}

bool DeltaShares::walks(const Call& call) {
  return call.request.method == http::Method::post && !call.path.empty() &&
         call.path.back() == "query";
}

Answer<http::Response> DeltaShares::answer(const Call& call) {
  const std::span<const std::string> path = call.path;
  if (path.empty() || path[0] != "shares") return nothing_there();
  const bool reads =
      call.request.method == http::Method::get || call.request.method == http::Method::head;
  if (!reads && !walks(call)) return tables::refuse(403, {}, "Shares are read only.");
  if (path.size() == 1)
    return with_json(json::object{{"items", json::array{describe_share(call)}}});
  if (!equal_ignoring_case(path[1], share_of(call))) return nothing_there();
  return of_share(call, path.subspan(2));
}

Answer<http::Response> DeltaShares::of_share(const Call& call, std::span<const std::string> path) {
  if (path.empty()) return with_json(json::object{{"share", describe_share(call)}});
  if (path.size() == 1 && path[0] == "all-tables") return with_json(tables_of(call));
  if (path[0] != "schemas") return nothing_there();
  if (path.size() == 1)
    return with_json(json::object{
        {"items", json::array{json::object{{"name", kNamespace}, {"share", share_of(call)}}}}});
  if (!equal_ignoring_case(path[1], kNamespace)) return nothing_there();
  if (path.size() == 3 && path[2] == "tables") return with_json(tables_of(call));
  if (path.size() != 5 || path[2] != "tables") return nothing_there();
  const auto type = table_of(call.grant, path[3]);
  if (!type) return nothing_there();
  return of_table(call, *type, path[4]);
}

Answer<http::Response> DeltaShares::of_table(const Call& call, RowType type,
                                             std::string_view what) {
  const bool queries = what == "query";
  if (queries != (call.request.method == http::Method::post)) return nothing_there();
  if (what == "changes")
    return tables::refuse(400, {}, "These tables have no change data feed: query them whole.");
  if (!queries && what != "version" && what != "metadata") return nothing_there();
  if (call.request.query.contains("startingTimestamp"))
    return tables::refuse(400, {},
                          "Only the latest version can be read: leave out startingTimestamp.");
  const auto snapshot = snapshots_.current({call.grant.account, type}, call.now());
  if (!snapshot)
    return std::unexpected(refusal_of(snapshot.error(), "reading the catalog", call.request));
  if (queries) return query(call, type, *snapshot);
  if (what == "version") return with_lines(*snapshot, "");
  return with_lines(*snapshot, head_lines(type, snapshots_.location({call.grant.account, type})));
}

Answer<http::Response> DeltaShares::query(const Call& call, RowType type,
                                          const Snapshot& snapshot) {
  VALETKEY_TRY(const SharingQuery asked, SharingQuery::parse(call.request.body));
  VALETKEY_TRY(PageToken from, start_of(asked, snapshot));
  VALETKEY_TRY(const auto credentials, engine_credentials_.issue(call, "sharing.query"));
  const Signer signer(credentials, engine_credentials_.options(), call.now());

  const std::uint64_t most =
      asked.max_files ? std::min(*asked.max_files, kFilesOfPage) : kFilesOfAnswer;
  std::string lines = head_lines(type, snapshots_.location({call.grant.account, type}));
  std::uint64_t files = 0, rows = 0;
  std::string last;
  bool more = false;
  const auto read =
      Walk(catalog_, call, type, asked)
          .run(from.generation, from.after, [&](const storage::CatalogPart& part, Date day) {
            if (asked.limit && rows >= *asked.limit) return false;
            more = files == most;
            if (more) return false;
            ++files;
            rows += part.info.rows.value_or(0);
            last = part.info.key;
            append_file(lines, part, type, day, from.version, signer);
            return true;
          });
  if (!read && read.error().code == ErrorCode::not_found)
    return tables::refuse(400, {},
                          "The table has changed since, and that version is gone: query again "
                          "without pageToken and refreshToken.");
  if (!read) return std::unexpected(refusal_of(read.error(), "listing parts", call.request));
  if (more && !asked.max_files)
    return tables::refuse(413, {},
                          fmt::format("More than {} files hold what is asked for: ask for pages "
                                      "(maxFiles), or for fewer days (jsonPredicateHints on date).",
                                      kFilesOfAnswer));
  if (asked.max_files || asked.wants_refresh_token) {
    from.after = last;
    lines += end_line(asked, std::move(from), more, signer.ends_ms());
  }
  return with_lines(snapshot, std::move(lines));
}

}  // namespace valetkey::tables
