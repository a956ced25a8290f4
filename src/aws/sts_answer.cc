// SPDX-License-Identifier: Apache-2.0
#include "aws/sts_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <pugixml.hpp>

namespace valetkey::aws {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxValue = 16 * 1024;
constexpr std::size_t kMaxSentence = 300;

std::unexpected<Error> not_sts(std::string_view why) {
  return fail(ErrorCode::corrupt, "the answer is not one of STS: " + std::string(why));
}

bool load(pugi::xml_document& document, std::string_view xml) {
  return xml.size() <= kMaxBytes &&
         document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
}

// The one element of that name.
Result<pugi::xml_node> only_child(const pugi::xml_node& parent, const std::string& name) {
  const pugi::xml_node first = parent.child(name.c_str());
  if (!first) return not_sts(name + " is missing");
  if (first.next_sibling(name.c_str())) return not_sts(name + " stands there twice");
  return first;
}

// Its text: printable ASCII that JSON and headers hold as it is, and nothing but text.
Result<std::string> text_of(const pugi::xml_node& parent, const std::string& name) {
  VALETKEY_TRY(const auto node, only_child(parent, name));
  const pugi::xml_node content = node.first_child();
  const std::string_view text = content.value();
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (content.type() != pugi::node_pcdata || content.next_sibling() || text.empty() ||
      text.size() > kMaxValue || !plain)
    return not_sts(name + " is not a plain text");
  return std::string(text);
}

Result<void> read_keys(const pugi::xml_node& result, StsSession& session) {
  VALETKEY_TRY(const auto credentials, only_child(result, "Credentials"));
  VALETKEY_TRY(session.keys.access_key_id, text_of(credentials, "AccessKeyId"));
  VALETKEY_TRY(auto secret, text_of(credentials, "SecretAccessKey"));
  VALETKEY_TRY(auto token, text_of(credentials, "SessionToken"));
  VALETKEY_TRY(const auto expiration, text_of(credentials, "Expiration"));
  session.keys.secret_access_key = Secret(std::move(secret));
  session.keys.session_token = Secret(std::move(token));
  const auto at = parse_iso8601(expiration);
  if (!at) return not_sts("Expiration is not a time");
  session.expires = *at;
  return {};
}

Result<void> read_packed_size(const pugi::xml_node& result, StsSession& session) {
  if (!result.child("PackedPolicySize")) return {};
  VALETKEY_TRY(const auto text, text_of(result, "PackedPolicySize"));
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 100)
    return not_sts("PackedPolicySize is not a percentage");
  session.packed_policy = value;
  return {};
}

std::string printable(std::string_view text) {
  std::string line(text.substr(0, kMaxSentence));
  std::ranges::replace_if(line, [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  while (line.ends_with('.')) line.pop_back();
  return line;
}

struct Meaning {
  std::string_view code;
  StsFault fault;
  std::string_view sentence;
};
constexpr std::string_view kUnknownKeys =
    "does not know the server's own access key, or its secret is wrong";
constexpr std::string_view kEnded = "says that the server's own credentials have expired";
constexpr std::string_view kSlowly = "asks this server to call less often";
constexpr std::string_view kLarge = "finds the session policy too large";
constexpr std::array kMeanings{
    Meaning{"Throttling", StsFault::throttled, kSlowly},
    Meaning{"ThrottlingException", StsFault::throttled, kSlowly},
    Meaning{"RequestLimitExceeded", StsFault::throttled, kSlowly},
    Meaning{"TooManyRequestsException", StsFault::throttled, kSlowly},
    Meaning{"SlowDown", StsFault::throttled, kSlowly},
    Meaning{"ExpiredToken", StsFault::own_expired, kEnded},
    Meaning{"ExpiredTokenException", StsFault::own_expired, kEnded},
    Meaning{"InvalidClientTokenId", StsFault::own_refused, kUnknownKeys},
    Meaning{"InvalidAccessKeyId", StsFault::own_refused, kUnknownKeys},
    Meaning{"UnrecognizedClientException", StsFault::own_refused, kUnknownKeys},
    Meaning{"SignatureDoesNotMatch", StsFault::own_refused, kUnknownKeys},
    Meaning{"InvalidIdentityToken", StsFault::own_refused,
            "refuses the web identity token of this server"},
    Meaning{"RequestExpired", StsFault::clock, "finds the clock of this machine wrong: set it"},
    Meaning{"RequestTimeTooSkewed", StsFault::clock,
            "finds the clock of this machine wrong: set it"},
    Meaning{"AccessDenied", StsFault::denied,
            "does not let this server assume the role: look at the role's trust policy"},
    Meaning{"NoSuchEntity", StsFault::no_role, "says that there is no such role"},
    Meaning{"PackedPolicyTooLarge", StsFault::policy_too_large, kLarge},
    Meaning{"MalformedPolicyDocument", StsFault::policy_malformed,
            "does not understand the session policy"},
    Meaning{"RegionDisabledException", StsFault::region_disabled,
            "is not switched on for this AWS account: activate STS in this region"},
    Meaning{"InvalidArgument", StsFault::too_long, "refuses a session of that length"},
    Meaning{"InvalidParameterValue", StsFault::too_long, "refuses a session of that length"},
};

// AWS says three things with this one code.
StsError explain_validation(const std::string& message, const std::string& endpoint) {
  if (message.contains("role chaining"))
    return {StsFault::chained_too_long,
            endpoint + " gives a role that was assumed by a role sessions of an hour at most"};
  if (message.contains("DurationSeconds") || message.contains("durationSeconds"))
    return {StsFault::too_long, endpoint +
                                    " refuses a session of that length: raise the role's longest "
                                    "session, or lower [credentials] max_duration"};
  if (message.contains("policy"))
    return {StsFault::policy_too_large, endpoint + " " + std::string(kLarge)};
  return {StsFault::not_sts, endpoint + " refuses the request: " + message};
}

StsError explain_redirect(const http::ClientResponse& answer, const std::string& endpoint) {
  const std::string* where = answer.header("Location");
  return {StsFault::elsewhere, endpoint + " answers " + std::to_string(answer.status) +
                                   ", which leads to " +
                                   (where ? printable(*where) : "another server") +
                                   ": set [issuer] endpoint and region to the one that is meant"};
}

}  // namespace

Result<StsSession> parse_session(std::string_view xml, std::string_view action) {
  pugi::xml_document document;
  if (!load(document, xml)) return not_sts("it is not XML");
  const std::string name(action);
  VALETKEY_TRY(const auto root, only_child(document, name + "Response"));
  VALETKEY_TRY(const auto result, only_child(root, name + "Result"));
  StsSession session;
  VALETKEY_CHECK(read_keys(result, session));
  VALETKEY_CHECK(read_packed_size(result, session));
  session.arn = printable(result.child("AssumedRoleUser").child_value("Arn"));
  return session;
}

Result<std::string> parse_identity(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) return not_sts("it is not XML");
  VALETKEY_TRY(const auto root, only_child(document, "GetCallerIdentityResponse"));
  VALETKEY_TRY(const auto result, only_child(root, "GetCallerIdentityResult"));
  return text_of(result, "Arn");
}

StsRefusal parse_refusal(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) return {};
  pugi::xml_node error = document.child("ErrorResponse").child("Error");
  if (!error) error = document.child("Error");  // Ceph
  return {printable(error.child_value("Code")), printable(error.child_value("Message"))};
}

StsError explain(const http::ClientResponse& answer, const std::string& endpoint) {
  if (answer.status / 100 == 3) return explain_redirect(answer, endpoint);
  const StsRefusal refusal = parse_refusal(answer.body);
  if (refusal.message.starts_with("Signature expired") ||
      refusal.message.starts_with("Signature not yet current"))
    return {StsFault::clock, endpoint + " finds the clock of this machine wrong: set it"};
  if (refusal.code == "ValidationError") return explain_validation(refusal.message, endpoint);
  for (const Meaning& meaning : kMeanings)
    if (refusal.code == meaning.code)
      return {meaning.fault, endpoint + " " + std::string(meaning.sentence) +
                                 (meaning.fault == StsFault::denied && !refusal.message.empty()
                                      ? " (" + refusal.message + ")"
                                      : "")};
  const std::string status = std::to_string(answer.status);
  if (answer.status == 429) return {StsFault::throttled, endpoint + " " + std::string(kSlowly)};
  if (answer.status / 100 == 5) return {StsFault::away, endpoint + " answers " + status};
  if (refusal.code.empty())
    return {StsFault::not_sts, endpoint + " answers " + status +
                                   " and no document of STS: set [issuer] endpoint to an STS"};
  return {StsFault::not_sts, endpoint + " answers " + status + " " + refusal.code};
}

}  // namespace valetkey::aws
