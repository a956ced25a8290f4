// SPDX-License-Identifier: Apache-2.0
#include "s3/authorize.h"

#include <algorithm>
#include <array>

#include "access/scope.h"
#include "base/text.h"
#include "http/message.h"

namespace valetkey::s3 {
namespace {

using access::Action;
using access::Decision;

// Parameters that select another operation of S3, whatever their value; sorted. To answer one of
// these with an object or a listing would be a wrong 200.
constexpr auto kSubresources = std::to_array<std::string_view>({
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadata",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
    "x-amz-copy-source",
    "x-amz-select",
});
static_assert(std::ranges::is_sorted(kSubresources));

constexpr std::array<std::string_view, 10> kListParameters{
    "continuation-token", "delimiter", "encoding-type", "fetch-owner", "list-type",
    "location",           "marker",    "max-keys",      "prefix",      "start-after"};

bool is_override(std::string_view name) { return name.starts_with("response-"); }
bool is_amazon(std::string_view name) {
  return name.size() >= 6 && equal_ignoring_case(name.substr(0, 6), "x-amz-");
}

// True for a parameter that asks for something we do not do. S3 ignores what it does not know, and
// so do we, unless it looks like a subresource: a name without a value.
bool is_unknown_operation(const http::QueryParameter& parameter, bool of_object) {
  const std::string_view name = parameter.name;
  if (std::ranges::binary_search(kSubresources, name)) return true;
  if (name == "versionId") return parameter.value != "null";  // the only version there is
  if (!parameter.value.empty() || is_amazon(name) || is_override(name)) return false;
  if (name == "partNumber" || name == "x-id") return false;
  return of_object || std::ranges::find(kListParameters, name) == kListParameters.end();
}

Operation operation_of(const Call& call) {
  const bool of_object = !call.key.empty();
  for (const auto& parameter : call.parameters)
    if (is_unknown_operation(parameter, of_object)) return Operation::not_implemented;
  if (of_object) return Operation::read_object;
  if (call.method == http::Method::head) return Operation::head_bucket;
  return call.parameter("location") ? Operation::get_bucket_location : Operation::list_objects;
}

// What must be allowed for it. An operation on the bucket that we do not know counts as a listing:
// it is inside the scope if its prefix is.
Action action_of(Operation operation, const Call& call) {
  if (!call.key.empty()) return Action::read;
  if (operation == Operation::head_bucket) return Action::head_bucket;
  if (operation == Operation::get_bucket_location) return Action::get_bucket_location;
  return Action::list;
}

std::unexpected<Failure> deny(std::string message) {
  return std::unexpected(Failure{Code::access_denied, std::move(message), {}, "outside_scope"});
}

std::unexpected<Failure> deny_list(const access::Scope& scope, std::string_view reason) {
  std::string own;
  for (const std::string& prefix : access::prefixes_of(scope))
    own += (own.empty() ? "" : " or ") + prefix;
  return deny(std::string(reason) + " These credentials list prefixes that start with " + own +
              ", its last slash included.");
}

Answer<void> check_source(const access::Scope& scope, const Call& call) {
  if (scope.claims().narrowing.admits(call.client)) return {};
  return std::unexpected(
      Failure{Code::access_denied,
              "Access Denied. These credentials are limited to other networks than that of " +
                  call.client.str() + ".",
              {},
              "outside_network"});
}

Answer<void> check_method(http::Method method) {
  using enum http::Method;
  switch (method) {
    case get:
    case head:
      return {};
    case put:
    case post:
    case delete_:
      return deny("Access Denied. These credentials only read.");
    default:
      return refuse(Code::method_not_allowed);
  }
}

Answer<void> check_scope(const access::Scope& scope, Action action, const Call& call) {
  const bool list = action == Action::list;
  switch (access::allows(scope, action, list ? call.value("prefix") : std::string_view(call.key))) {
    case Decision::allow:
      return {};
    case Decision::deny_missing_slash:
      return deny_list(scope,
                       "Access Denied. The prefix lacks its last slash: add it and try again.");
    case Decision::not_found:
      return std::unexpected(failure_of(Error{ErrorCode::not_found, {}}, call.key));
    case Decision::deny:
      break;
  }
  if (list) return deny_list(scope, "Access Denied.");
  return deny({});
}

// Whether a client asked in virtual-hosted style for this very bucket, and was not understood.
bool names_in_host(const Call& call, std::string_view bucket) {
  return call.host.size() > bucket.size() + 1 && call.host.starts_with(bucket) &&
         call.host[bucket.size()] == '.';
}

Answer<void> check_bucket(const Call& call, std::string_view bucket) {
  if (call.bucket == bucket) return {};
  if (names_in_host(call, bucket))
    return deny(
        "Access Denied. The Host of the request names the bucket (virtual-hosted style), but not "
        "in "
        "front of this server's [s3] domain: choose path style in the client, or have that setting "
        "name the domain.");
  return deny(call.bucket.empty() ? "Access Denied. These credentials do not list buckets." : "");
}

}  // namespace

Answer<Authorized> authorize(SessionPtr session, Call call, std::string_view bucket) {
  VALETKEY_CHECK(check_source(session->scope, call));
  VALETKEY_CHECK(check_bucket(call, bucket));
  VALETKEY_CHECK(check_method(call.method));
  const Operation operation = operation_of(call);
  VALETKEY_CHECK(check_scope(session->scope, action_of(operation, call), call));
  return Authorized(operation, std::move(call), std::move(session));
}

}  // namespace valetkey::s3
