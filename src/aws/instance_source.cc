// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "aws/internal/credentials_json.h"
#include "aws/internal/variables.h"

namespace valetkey::aws {
namespace {

constexpr const char* kService = "http://169.254.169.254";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";

struct Metadata {
  const Surroundings& around;
  http::Url server;
  std::string session{};

  Result<http::ClientResponse> ask(std::string method, std::string_view target,
                                   std::pair<std::string, std::string> header) const {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = server;
    request.url.target = target;
    request.headers.push_back(std::move(header));
    return around.metadata.fetch(std::move(request));
  }
  Result<http::ClientResponse> get(std::string_view target) const {
    return ask("GET", target, {"X-aws-ec2-metadata-token", session});
  }
};

std::unexpected<Error> unable(std::string_view why) {
  return fail(ErrorCode::unavailable, "the instance metadata service " + std::string(why));
}

bool is_role_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_+=,.@-").contains(c);
  });
}

Result<std::string> read_role(const Metadata& metadata) {
  VALETKEY_TRY(const auto answer, metadata.get(kRoles));
  if (answer.status == 404) return unable("says that this instance has no role: give it one");
  if (answer.status != 200) return unable("answers " + std::to_string(answer.status));
  std::string role = answer.body.substr(0, answer.body.find_first_of("\r\n"));
  if (!is_role_name(role)) return unable("names no role that could exist");
  return role;
}

}  // namespace

Found from_instance(const Surroundings& around, Timestamp) {
  if (variable(around.env, "AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  std::string service = variable(around.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  const bool stated = !service.empty();
  auto url = http::Url::parse(stated ? service : kService);
  if (!url) return fail(ErrorCode::invalid, "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL");
  Metadata metadata{around, *std::move(url)};
  // Version 1, which any page that makes the server fetch a URL could use, is never asked.
  auto begun =
      metadata.ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", "21600"});
  if (!begun && !stated) return std::nullopt;  // not an instance of EC2
  if (!begun) return std::unexpected(begun.error());
  if (begun->status != 200 || begun->body.empty())
    return unable("gives no session, status " + std::to_string(begun->status) +
                  ": inside a container its hop limit must be 2");
  metadata.session = begun->body;
  VALETKEY_TRY(const auto role, read_role(metadata));
  VALETKEY_TRY(auto answer, metadata.get(std::string(kRoles) + role));
  if (answer.status != 200) return unable("answers " + std::to_string(answer.status));
  auto keys = parse_keys(answer.body, KeysForm::endpoint);
  wipe(answer.body);
  if (!keys) return unable("has no credentials for the role " + role + " at the moment");
  keys->from = "the role " + role + " of this instance";
  return *std::move(keys);
}

}  // namespace valetkey::aws
