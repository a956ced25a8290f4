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
<table>
<tr><th align="left">API</th><td><code>{api}</code></td></tr>
<tr><th align="left">S3 endpoint</th><td><code>{s3}</code></td></tr>
<tr><th align="left">Bucket</th><td><code>{bucket}</code></td></tr>
{events}</table>
<h2>Credentials for an hour</h2>
<pre>curl -H "Authorization: Bearer $TOKEN" {api}/v2/export/credentials</pre>
<h2>Credentials that AWS SDKs refresh by themselves</h2>
<pre>export AWS_CONTAINER_CREDENTIALS_FULL_URI={api}/v2/export/credentials/container
export AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer $TOKEN"
export AWS_ENDPOINT_URL_S3={s3}
export AWS_REGION={region}</pre>
{advice}<p>{console}</p>
<p>Everything else is in the <a href="/openapi.json">OpenAPI document</a>.</p>
</body>
</html>
)";
constexpr std::string_view kEvents =
    R"(<tr><th align="left">Events</th><td><code>POST {}</code></td></tr>
)";
constexpr std::string_view kPlainAdvice =
    "<p>AWS SDKs take credentials over plain HTTP from this machine alone; elsewhere the API needs "
    "HTTPS.</p>\n";

std::string_view sentence_on(WebConsole console) {
  switch (console) {
    case WebConsole::served:
      return "Open this address in a browser for the web console.";
    case WebConsole::off:
      return "The web console of this server is off: its configuration has [console] enabled = "
             "false.";
    case WebConsole::not_built:
      break;
  }
  return "This server has no web console: it was built without Node.js 20 or npm.";
}

}  // namespace

std::string landing_page(const LandingAddresses& addresses) {
  const std::string events =
      addresses.events.empty() ? "" : fmt::format(kEvents, escape_html(addresses.events));
  return fmt::format(kPage, fmt::arg("api", escape_html(addresses.api)),
                     fmt::arg("s3", escape_html(addresses.s3)),
                     fmt::arg("bucket", escape_html(addresses.bucket)),
                     fmt::arg("region", escape_html(addresses.region)), fmt::arg("events", events),
                     fmt::arg("console", sentence_on(addresses.console)),
                     fmt::arg("advice", addresses.api.starts_with("http://") ? kPlainAdvice : ""));
}

}  // namespace valetkey::api
