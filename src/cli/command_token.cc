// SPDX-License-Identifier: Apache-2.0
// Tokens over REST, with the token of the profile.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/ids.h"
#include "cli/commands.h"
#include "http/co_try.h"
#include "terminal/table.h"

namespace valetkey::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAnswerBytes = 8 << 20;

struct Request {
  std::string method, path, body;
};

// Why the service refused, in its own words where it said some.
Error refusal(const std::string& api, const http::ClientResponse& answer) {
  const std::string said = client::message_of_problem(answer.body);
  const auto code = answer.status >= 500 ? ErrorCode::unavailable : ErrorCode::denied;
  return {code, said.empty() ? fmt::format("{} answered {}", api, answer.status) : said};
}

Task<Result<void>> send(Context& context, const Request& wanted, json::object& answer) {
  const client::Profile& profile = context.profile();
  VALETKEY_CO_TRY(auto url, http::Url::parse(profile.api));
  VALETKEY_CO_CHECK(client::check_private(url, profile.allow_http));
  while (url.target.ends_with('/')) url.target.pop_back();
  url.target += wanted.path;
  http::ClientRequest request;
  request.method = wanted.method;
  request.url = url;
  request.body = wanted.body;
  request.headers = {{"Authorization", "Bearer " + std::string(profile.token.reveal())},
                     {"Accept", "application/json"},
                     {"Prefer", "return=representation"}};
  if (!wanted.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  VALETKEY_CO_TRY(auto got, co_await context.http().send(std::move(request), kMaxAnswerBytes));
  const std::string api = url.scheme + "://" + url.authority();
  if (got.status / 100 != 2) co_return std::unexpected(refusal(api, got));
  boost::system::error_code broken;
  json::value parsed = json::parse(got.body, broken);
  wipe(got.body);
  if (broken || !parsed.is_object())
    co_return fail(ErrorCode::corrupt, api + " answered with something else than JSON");
  answer = std::move(parsed.as_object());
  co_return Result<void>{};
}

Result<json::object> ask(Context& context, const Request& wanted) {
  json::object answer;
  VALETKEY_CHECK(context.run(send(context, wanted, answer)));
  return answer;
}

std::string text_of(const json::object& from, std::string_view name, std::string_view otherwise) {
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_string()) return std::string(otherwise);
  return std::string(found->get_string().data(), found->get_string().size());
}

std::string list_of(const json::object& from, std::string_view name) {
  std::string out;
  const json::value* found = from.if_contains(name);
  if (found == nullptr || !found->is_array()) return out;
  for (const json::value& each : found->get_array())
    if (each.is_string()) out.append(out.empty() ? "" : ",").append(each.get_string().c_str());
  return out;
}

std::string limits_of(const json::object& token) {
  const std::string prefixes = list_of(token, "prefixes"), sources = list_of(token, "sources");
  if (sources.empty()) return prefixes.empty() ? "-" : prefixes;
  return prefixes + (prefixes.empty() ? "from " : " from ") + sources;
}

const json::array& array_of(const json::object& from, std::string_view name) {
  static const json::array kNone;
  const json::value* found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

// The token alone goes to standard output, so that TOKEN=$(valetkey token create …) holds no more.
void print_new(const json::object& made, Streams streams) {
  streams.out << text_of(made, "token", "") << '\n';
  streams.err << fmt::format("Token {} ({}) {}. It is shown this once and cannot be read again.\n",
                             text_of(made, "id", "?"), text_of(made, "name", "?"),
                             made.contains("expires") && made.at("expires").is_string()
                                 ? "ends " + text_of(made, "expires", "")
                                 : "never expires");
}

Result<std::string> checked_id(const std::string& text) {
  const auto id = TokenId::parse(text);
  if (id) return text;
  return fail(
      ErrorCode::invalid,
      fmt::format("{} is no token id, which is tok_ and 16 characters; `valetkey token list` "
                  "shows the ids",
                  text));
}

}  // namespace

Result<void> run_token_list(Context& context, bool as_json, Streams streams) {
  terminal::Table table(
      {"ID", "NAME", "USER", "STATE", "SCOPES", "LIMITED TO", "LAST USED", "EXPIRES"});
  json::array all;
  std::string after;
  do {
    const std::string more = after.empty() ? "" : "&after=" + after;
    VALETKEY_TRY(const json::object page,
                 ask(context, {"GET", "/v2/tokens?limit=1000" + more, ""}));
    for (const json::value& each : array_of(page, "tokens")) {
      if (!each.is_object()) continue;
      const json::object& token = each.get_object();
      table.row({text_of(token, "id", "?"), text_of(token, "name", "?"),
                 text_of(token, "user", "?"), text_of(token, "state", "?"),
                 list_of(token, "scopes"), limits_of(token), text_of(token, "last_used", "never"),
                 text_of(token, "expires", "never")});
      all.push_back(each);
    }
    after = text_of(page, "next", "");
  } while (!after.empty());
  if (as_json)
    streams.out << json::serialize(json::object{{"tokens", std::move(all)}}) << '\n';
  else
    table.print(streams.out);
  return {};
}

Result<void> run_token_create(Context& context, const TokenFlags& flags, Streams streams) {
  json::object body{{"name", flags.name}};
  json::array scopes;
  std::string_view rest = flags.scopes;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    scopes.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  body["scopes"] = std::move(scopes);
  if (!flags.expires.empty()) body["expires_in"] = flags.expires;
  if (!flags.user.empty()) body["user"] = flags.user;
  const auto limit = [&body](const char* name, const std::vector<std::string>& texts) {
    if (!texts.empty()) body[name] = json::array(texts.begin(), texts.end());
  };
  limit("types", flags.types);
  limit("prefixes", flags.prefixes);
  limit("sources", flags.sources);
  VALETKEY_TRY(const json::object made,
               ask(context, {"POST", "/v2/tokens", json::serialize(body)}));
  print_new(made, streams);
  return {};
}

Result<void> run_token_revoke(Context& context, const TokenFlags& flags, Streams streams) {
  VALETKEY_TRY(const std::string token, checked_id(flags.id));
  const std::string more = flags.cut_off ? "?cut_off=true" : "";
  VALETKEY_TRY(const json::object ended,
               ask(context, {"DELETE", "/v2/tokens/" + token + more, ""}));
  const std::size_t count = array_of(ended, "revoked").size();
  if (count == 0)
    streams.out << fmt::format("Token {} was revoked before.\n", token);
  else if (count == 1)
    streams.out << fmt::format("Token {} is revoked.\n", token);
  else
    streams.out << fmt::format("Token {} and {} that it created are revoked.\n", token, count - 1);
  const std::string sessions = text_of(ended, "sessions", "");
  if (!sessions.empty()) streams.out << fmt::format("Sessions: {}\n", sessions);
  return {};
}

Result<void> run_token_replace(Context& context, const TokenFlags& flags, Streams streams) {
  VALETKEY_TRY(const std::string token, checked_id(flags.id));
  json::object body{{"overlap", flags.overlap}};
  if (!flags.expires.empty()) body["expires_in"] = flags.expires;
  VALETKEY_TRY(const json::object made,
               ask(context, {"POST", "/v2/tokens/" + token + "/replace", json::serialize(body)}));
  print_new(made, streams);
  const json::value* old = made.if_contains("replaces");
  if (old != nullptr && old->is_object())
    streams.err << fmt::format("The old one works until {}.\n",
                               text_of(old->get_object(), "expires", "now"));
  return {};
}

Result<void> run_whoami(Context& context, bool as_json, Streams streams) {
  VALETKEY_TRY(const json::object account, ask(context, {"GET", "/v2/account", ""}));
  if (as_json) {
    streams.out << json::serialize(account) << '\n';
    return {};
  }
  streams.out << fmt::format("Account {} at {}: s3://{}/{}\n", text_of(account, "account_id", "?"),
                             context.profile().api, text_of(account, "bucket", "?"),
                             text_of(account, "prefix", ""));
  return {};
}

}  // namespace valetkey::cli
