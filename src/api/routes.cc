// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include <array>

namespace valetkey::api {
namespace {

using http::Method;
using O = Operations;
constexpr auto kBearer = TokenForm::bearer;
constexpr auto kBare = TokenForm::bearer_or_bare;

// The events have a handler of their own, which may listen elsewhere: api/intake.h.
constexpr std::array<Route, 12> kRoutes{{
    {Method::get, "/v2/export/credentials", kBearer, Place::issuer, &O::credentials_at_once,
     &O::credentials},
    {Method::get, "/v2/export/credentials/container", kBare, Place::issuer, &O::container_at_once,
     &O::container},
    {Method::get, "/v2/export/credentials/gcp", kBearer, Place::loop, &O::gcp},
    {Method::get, "/v2/account", kBearer, Place::loop, &O::account},
    {Method::get, "/v2/account/usage", kBearer, Place::sums, nullptr, &O::account_usage},
    {Method::get, "/v2/tokens", kBearer, Place::pool, nullptr, &O::list_tokens},
    {Method::post, "/v2/tokens", kBearer, Place::pool, &O::check_json, &O::create_token},
    {Method::get, "/v2/tokens/{id}", kBearer, Place::pool, nullptr, &O::show_token},
    {Method::delete_, "/v2/tokens/{id}", kBearer, Place::pool, nullptr, &O::revoke_token},
    {Method::post, kEventsPath, std::nullopt, Place::loop, &O::no_events},
    {Method::get, "/openapi.json", std::nullopt, Place::loop, &O::openapi},
    {Method::get, "/", std::nullopt, Place::loop, &O::landing},
}};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace valetkey::api
