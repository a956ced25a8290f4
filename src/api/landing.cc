// SPDX-License-Identifier: Apache-2.0
#include "api/landing.h"

#include <fmt/format.h>

namespace valetkey::api {
namespace {

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
      out += fmt::format("&#{};", static_cast<int>(c));
    else
      out += c;
  }
  return out;
}

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Valetkey</title></head>
<body>
<h1>Valetkey</h1>
<p>This is the API of an experimentation events export: a personal access token buys temporary credentials
that read your account's data with any S3 client.</p>
<pre>curl -H "Authorization: Bearer $TOKEN" {0}/v2/export/credentials</pre>
<p>AWS SDKs refresh by themselves with</p>
<pre>export AWS_CONTAINER_CREDENTIALS_FULL_URI={0}/v2/export/credentials/container
export AWS_CONTAINER_AUTHORIZATION_TOKEN=$TOKEN</pre>
<p>Everything else is in the <a href="/openapi.json">OpenAPI document</a>.</p>
</body>
</html>
)";

}  // namespace

std::string landing_page(std::string_view api_public_url) {
  while (api_public_url.ends_with('/')) api_public_url.remove_suffix(1);
  return fmt::format(kPage, escape_html(api_public_url));
}

}  // namespace valetkey::api
