// SPDX-License-Identifier: Apache-2.0
// What a person sees who opens the API's address in a browser. Pure.
#pragma once

#include <string>
#include <string_view>

namespace valetkey::api {

std::string landing_page(std::string_view api_public_url);
// The document of this API, embedded from openapi.json when it is built.
std::string_view openapi_document();

}  // namespace valetkey::api
