// SPDX-License-Identifier: Apache-2.0
#include "api/exchange.h"

#include <fmt/format.h>

#include <charconv>

#include "access/scope.h"
#include "api/duration.h"
#include "api/json_text.h"

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

Answer<milliseconds> Exchange::check(const http::Request& request, const control::TokenGrant& grant,
                                     CredentialsForm form) const {
  if (!grant.scopes.export_)
    return problem(ProblemCode::forbidden,
                   "This token lacks the scope \"export\": use one that has it.");
  if (grant.expires && *grant.expires - request.now < issuer_.min_life())
    return problem(ProblemCode::forbidden,
                   "This token ends in less than " + format_duration(issuer_.min_life()) +
                       ", and no credentials are that short-lived: use one that lasts longer.");
  if (form == CredentialsForm::container) return options_.max_duration;
  return read_duration(request.query, options_);
}

std::optional<http::Response> Exchange::answer_at_once(const http::Request& request,
                                                       const control::TokenGrant& grant,
                                                       CredentialsForm form) {
  const auto duration = check(request, grant, form);
  if (!duration) return refuse(request, grant, duration.error());
  const auto credentials = issuer_.issue_at_once(grant, *duration, request.now);
  if (!credentials) return std::nullopt;
  return conclude(request, grant, form, *credentials);
}

http::Response Exchange::answer(const http::Request& request, const control::TokenGrant& grant,
                                CredentialsForm form) {
  const auto duration = check(request, grant, form);
  if (!duration) return refuse(request, grant, duration.error());
  return conclude(request, grant, form, issuer_.issue(grant, *duration, request.now));
}

http::Response Exchange::refuse(const http::Request& request, const control::TokenGrant& grant,
                                const Problem& problem) {
  record(request, grant, name_of(problem.code), "");
  return to_response(problem, request.id);
}

http::Response Exchange::conclude(const http::Request& request, const control::TokenGrant& grant,
                                  CredentialsForm form,
                                  const Result<access::Credentials>& credentials) {
  if (!credentials) {
    Problem hidden = hide(credentials.error(), "minting credentials", request.id);
    if (credentials.error().code == ErrorCode::unavailable)
      hidden.message = "No credentials can be issued: " + credentials.error().detail + ".";
    if (credentials.error().code == ErrorCode::busy) hidden = busy();
    if (credentials.error().code == ErrorCode::invalid && !grant.narrowing.empty())
      return refuse(request, grant,
                    {ProblemCode::forbidden, sentence_of(credentials.error()), {}, {}});
    return to_response(hidden, request.id);
  }
  record(request, grant, "ok", credentials->access_key_id);
  usage_.exchanged(grant, request.now, request.client);
  http::Response response =
      json_response(200, form == CredentialsForm::document ? document(*credentials, grant)
                                                           : container_document(*credentials));
  // Beside the published document, so that a client can warn before a job fails for it.
  if (grant.expires) response.set("X-Valetkey-Token-Expires", format_iso8601(*grant.expires));
  return response;
}

void Exchange::record(const http::Request& request, const control::TokenGrant& grant,
                      std::string_view outcome, std::string_view access_key_id) {
  audit_.append({.at = request.now,
                 .action = "credentials.issue",
                 .outcome = outcome,
                 .account = &grant.account,
                 .actor = grant.user.str(),
                 .subject = access_key_id.empty() ? grant.token.str() : access_key_id,
                 .client = request.client.str(),
                 .request_id = request.id});
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
    out += access::prefix_of(grant.account);
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
