// SPDX-License-Identifier: Apache-2.0
#include "s3/call.h"

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::s3 {
namespace {

bool is_clean(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_utf8(text);
}

// The name in a Host header: without the port.
std::string_view name_of_host(std::string_view host) {
  const auto colon = host.rfind(':');
  const bool is_port = colon != std::string_view::npos &&
                       host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return is_port ? host.substr(0, colon) : host;
}

// The bucket that Host names in front of `domain`, or nothing.
std::string_view bucket_of_host(std::string_view host, std::string_view domain) {
  const std::string_view name = name_of_host(host);
  if (domain.empty() || name.size() < domain.size() + 2) return {};
  const std::size_t dot = name.size() - domain.size() - 1;
  if (name[dot] != '.' || !equal_ignoring_case(name.substr(dot + 1), domain)) return {};
  return name.substr(0, dot);
}

Answer<std::vector<http::QueryParameter>> parse_parameters(std::string_view query) {
  if (query.empty()) return {};
  auto parameters = http::parse_query(query);
  if (!parameters) return refuse(Code::invalid_uri);
  for (const auto& parameter : *parameters)
    if (!is_clean(parameter.name) || !is_clean(parameter.value)) return refuse(Code::invalid_uri);
  return std::move(*parameters);
}

// "/bucket/key" to its two halves.
void split_path(std::string_view path, Call& call) {
  path.remove_prefix(1);
  const auto slash = path.find('/');
  call.bucket = path.substr(0, slash);
  if (slash != std::string_view::npos) call.key = path.substr(slash + 1);
}

}  // namespace

const http::QueryParameter* Call::parameter(std::string_view name) const {
  for (const auto& parameter : parameters)
    if (parameter.name == name) return &parameter;
  return nullptr;
}

std::string_view Call::value(std::string_view name) const {
  const auto* found = parameter(name);
  return found ? std::string_view(found->value) : std::string_view();
}

Answer<Call> parse_call(const http::Request& request, std::string_view domain) {
  const auto host = request.header("host");
  if (!host || request.count("host") != 1)
    return refuse(Code::bad_request, "A request needs exactly one Host header.");
  auto path = percent_decode(request.path);
  if (!path || !path->starts_with('/') || !is_clean(*path)) return refuse(Code::invalid_uri);
  Call call{.method = request.method,
            .bucket = {},
            .key = {},
            .host = lowered(name_of_host(*host)),
            .parameters = {},
            .client = request.client};
  VALETKEY_TRY(call.parameters, parse_parameters(request.query));
  const std::string_view hosted = bucket_of_host(*host, domain);
  if (hosted.empty()) {
    split_path(*path, call);
  } else {
    call.bucket = lowered(hosted);
    call.key = path->substr(1);
  }
  return call;
}

}  // namespace valetkey::s3
