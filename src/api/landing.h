// SPDX-License-Identifier: Apache-2.0
// What a person sees who opens the API's address in a browser. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::api {

enum class WebConsole : std::uint8_t { served, off, not_built };

struct LandingAddresses {
  std::string api;     // absolute, without a slash at its end
  std::string s3;      // absolute
  std::string events;  // absolute; empty: no events are taken
  std::string bucket;
  std::string region;
  WebConsole console = WebConsole::not_built;  // which a browser gets at the same address
};
std::string landing_page(const LandingAddresses& addresses);
// The document of this API, embedded from openapi.json when it is built.
std::string_view openapi_document();

}  // namespace valetkey::api
