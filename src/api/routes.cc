// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include <array>

namespace valetkey::api {
namespace {

using http::Method;

constexpr std::array<Endpoint, 12> kEndpoints{{
    {Method::get, "/v2/export/credentials", Action::credentials},
    {Method::get, "/v2/export/credentials/container", Action::container},
    {Method::get, "/v2/export/credentials/gcp", Action::gcp},
    {Method::get, "/v2/account", Action::account},
    {Method::get, "/v2/account/usage", Action::account_usage},
    {Method::get, "/v2/tokens", Action::list_tokens},
    {Method::post, "/v2/tokens", Action::create_token},
    {Method::get, "/v2/tokens/{id}", Action::show_token},
    {Method::delete_, "/v2/tokens/{id}", Action::revoke_token},
    {Method::post, kEventsPath, Action::events},
    {Method::get, "/openapi.json", Action::openapi},
    {Method::get, "/", Action::landing},
}};

std::string_view text_of(Method method) {
  if (method == Method::post) return "POST";
  if (method == Method::delete_) return "DELETE";
  return "GET, HEAD";
}

// Whether `path` has the form of `pattern`; `id` is then what stands for "{id}".
bool has_form(std::string_view path, std::string_view pattern, std::string_view& id) {
  constexpr std::string_view kId = "{id}";
  if (!pattern.ends_with(kId)) return path == pattern;
  pattern.remove_suffix(kId.size());
  if (!path.starts_with(pattern)) return false;
  id = path.substr(pattern.size());
  return !id.empty() && !id.contains('/');
}

}  // namespace

std::span<const Endpoint> endpoints() { return kEndpoints; }

Match match(Method method, std::string_view path) {
  const Method asked = method == Method::head ? Method::get : method;
  Match found;
  for (const Endpoint& endpoint : kEndpoints)
    if (endpoint.method == asked && has_form(path, endpoint.path, found.id)) {
      found.action = endpoint.action;
      return found;
    }
  found.allow = methods_of(path);
  return found;
}

std::string methods_of(std::string_view path) {
  std::string allow;
  std::string_view id;
  for (const Endpoint& endpoint : kEndpoints) {
    if (!has_form(path, endpoint.path, id)) continue;
    if (!allow.empty()) allow += ", ";
    allow += text_of(endpoint.method);
  }
  return allow;
}

}  // namespace valetkey::api
