// SPDX-License-Identifier: Apache-2.0
#include "api/exchange.h"

#include <fmt/format.h>

#include <charconv>

#include "api/internal/duration.h"
#include "base/json_text.h"
#include "layout/part_key.h"

namespace valetkey::api {
namespace {

std::unexpected<Problem> bad_duration(const Options& options) {
  return problem(
      ProblemCode::invalid_parameter,
      fmt::format(
          "duration must be a whole number followed by h (hours) or m (minutes), given once, from "
          "{} to {}.",
          format_duration(options.min_duration), format_duration(options.max_duration)));
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json(out, value);
}

// Of text without quotes, backslashes and control characters by its making.
void append_plain_member(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":\"").append(value).append("\"");
}

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  if (error == std::errc()) out.append(digits, end);
}

std::string container_document(const access::Credentials& credentials) {
  std::string out;
  out.reserve(256 + credentials.session_token.size());
  append_plain_member(out += '{', "AccessKeyId", credentials.access_key_id);
  append_plain_member(out += ',', "SecretAccessKey", credentials.secret_access_key.reveal());
  append_plain_member(out += ',', "Token", credentials.session_token.reveal());
  append_plain_member(out += ',', "Expiration", format_iso8601(credentials.expires));
  return out += '}';
}

}  // namespace

Answer<milliseconds> read_duration(std::string_view query, const Options& options) {
  if (query.empty()) return options.default_duration;
  const auto parameters = http::parse_query(query);
  if (!parameters)
    return problem(ProblemCode::invalid_parameter, "The query has a broken percent-encoding.");
  const http::QueryParameter* given = nullptr;
  for (const http::QueryParameter& parameter : *parameters) {
    if (parameter.name != "duration") continue;
    if (given != nullptr) return bad_duration(options);
    given = &parameter;
  }
  if (given == nullptr) return options.default_duration;
  const auto duration = parse_export_duration(given->value);
  if (!duration || *duration < options.min_duration || *duration > options.max_duration)
    return bad_duration(options);
  return *duration;
}

Exchange::Exchange(const Options& options, access::CredentialIssuer& issuer,
                   control::AuditLog& audit, access::Usage& usage)
    : options_(options), issuer_(issuer), audit_(audit), usage_(usage) {
  append_member(path_start_ += "},", "s3Path", "s3://" + options.bucket + "/");
  path_start_.pop_back();  // the account's prefix, digits mostly, goes before the last quote
  if (!options.public_endpoint.empty())
    append_member(tail_ += ',', "endpoint", options.public_endpoint);
  append_member(tail_ += ',', "region", options.region);
}

Answer<milliseconds> Exchange::check(const Ask& ask) {
  const control::TokenGrant& grant = ask.grant;
  if (!grant.scopes.export_)
    return refuse(ask, {ProblemCode::forbidden,
                        "This token lacks the scope \"export\": use one that has it.",
                        {},
                        {}});
  if (grant.expires && *grant.expires - ask.now < issuer_.min_life())
    return refuse(ask, {ProblemCode::forbidden,
                        "This token ends in less than " + format_duration(issuer_.min_life()) +
                            ", and no credentials are that short-lived: use one that lasts longer.",
                        {},
                        {}});
  if (ask.form == CredentialsForm::container) return options_.max_duration;
  auto duration = read_duration(ask.query, options_);
  if (!duration) return refuse(ask, std::move(duration.error()));
  return duration;
}

std::optional<Answer<http::Response>> Exchange::answer_at_once(const Ask& ask) {
  auto duration = check(ask);
  if (!duration) return std::unexpected(std::move(duration.error()));
  const auto credentials = issuer_.issue_at_once(ask.grant, *duration, ask.now);
  if (!credentials) return std::nullopt;
  return conclude(ask, *credentials);
}

Answer<http::Response> Exchange::answer(const Ask& ask) {
  VALETKEY_TRY(const milliseconds duration, check(ask));
  return conclude(ask, issuer_.issue(ask.grant, duration, ask.now));
}

Answer<http::Response> Exchange::conclude(const Ask& ask,
                                          const Result<access::Credentials>& credentials) {
  const control::TokenGrant& grant = ask.grant;
  if (!credentials) {
    const Error& error = credentials.error();
    Problem hidden = hidden_failure(error, "minting credentials", ask.request_id);
    if (error.code == ErrorCode::invalid && !grant.narrowing.empty())
      return refuse(ask, {ProblemCode::forbidden, sentence_of(error), {}, {}});
    if (error.code == ErrorCode::busy) return std::unexpected(busy());
    if (error.code == ErrorCode::unavailable)
      hidden.message = "No credentials can be issued: " + error.detail + ".";
    return std::unexpected(std::move(hidden));
  }
  record(ask, "ok", credentials->access_key_id);
  usage_.exchanged(grant, ask.now, ask.client);
  http::Response response =
      json_response(200, ask.form == CredentialsForm::document ? document(*credentials, grant)
                                                               : container_document(*credentials));
  // Beside the published document, so that a client can warn before a job fails for it.
  if (grant.expires) response.set("X-Valetkey-Token-Expires", format_iso8601(*grant.expires));
  return response;
}

// What the token may not have is audited; what failed is logged.
std::unexpected<Problem> Exchange::refuse(const Ask& ask, Problem problem) {
  record(ask, name_of(problem.code), "");
  return std::unexpected(std::move(problem));
}

void Exchange::record(const Ask& ask, std::string_view outcome, std::string_view access_key_id) {
  audit_.append({.at = ask.now,
                 .action = "credentials.issue",
                 .outcome = outcome,
                 .account = &ask.grant.account,
                 .actor = ask.grant.user.str(),
                 .subject = access_key_id.empty() ? ask.grant.token.str() : access_key_id,
                 .client = ask.client.str(),
                 .request_id = ask.request_id});
}

std::string Exchange::document(const access::Credentials& credentials,
                               const control::TokenGrant& grant) const {
  std::string out;
  out.reserve(384 + credentials.session_token.size() + path_start_.size() + tail_.size());
  append_plain_member(out += "{\"credentials\":{", "accessKeyId", credentials.access_key_id);
  append_plain_member(out += ',', "secretAccessKey", credentials.secret_access_key.reveal());
  append_plain_member(out += ',', "sessionToken", credentials.session_token.reveal());
  append_number(out += ",\"expiration\":", epoch_ms(credentials.expires));
  if (credentials.place) {
    append_place(out, *credentials.place);
  } else {
    out += path_start_;
    out += layout::account_prefix(grant.account);
    out += '"';
    out += tail_;
  }
  append_prefixes(out, grant.narrowing);
  return out += '}';
}

// What of the path may be listed and read, where that is not all: the path itself stays what the
// published document has, the account's.
void Exchange::append_prefixes(std::string& out, const control::Narrowing& narrowing) {
  if (narrowing.prefixes().empty()) return;
  std::string_view before = ",\"prefixes\":[";
  for (const std::string& prefix : narrowing.prefixes()) {
    append_json(out += before, prefix);
    before = ",";
  }
  out += ']';
}

// Of a bucket that is not this server's.
void Exchange::append_place(std::string& out, const access::Place& place) const {
  append_member(out += "},", "s3Path", "s3://" + place.bucket + "/" + place.prefix);
  if (!place.endpoint.empty()) append_member(out += ',', "endpoint", place.endpoint);
  append_member(out += ',', "region", place.region);
}

}  // namespace valetkey::api
