// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/json_text.h"
#include "cli/commands.h"

#include "http/co_try.h"

namespace valetkey::cli {
namespace {

Task<Result<void>> get_grant(Context& context, client::GrantPtr& grant) {
  VALETKEY_CO_TRY(auto got, co_await context.session().get());
  grant = got;
  co_return Result<void>{};
}

std::string exports(const client::Grant& grant, std::string_view prefix) {
  const auto& keys = grant.keys;
  return fmt::format(
      "{0}AWS_ACCESS_KEY_ID={1}\n{0}AWS_SECRET_ACCESS_KEY={2}\n{0}AWS_SESSION_TOKEN={3}\n"
      "{0}AWS_SESSION_EXPIRATION={4}\n{0}S3_BASE_PATH={5}\n",
      prefix, keys.access_key_id, keys.secret_access_key.reveal(), keys.session_token->reveal(),
      epoch_ms(grant.expires), grant.s3_path());
}

// So that what runs under the credentials trusts the endpoint as this program does.
std::string bundle_line(const std::string& trusted, std::string_view prefix) {
  if (trusted.empty()) return "";
  return fmt::format("{}AWS_CA_BUNDLE={}\n", prefix, quote_shell(trusted));
}

std::string as_json(const client::Grant& grant, const std::string& trusted) {
  const auto& keys = grant.keys;
  return fmt::format(
      R"({{"AWS_ACCESS_KEY_ID":{},"AWS_SECRET_ACCESS_KEY":{},"AWS_SESSION_TOKEN":{},)"
      R"("AWS_SESSION_EXPIRATION":{},"S3_BASE_PATH":{},"endpoint":{},"region":{}{}}})"
      "\n",
      quote_json(keys.access_key_id), quote_json(keys.secret_access_key.reveal()),
      quote_json(keys.session_token->reveal()), epoch_ms(grant.expires),
      quote_json(grant.s3_path()), quote_json(grant.endpoint), quote_json(grant.region),
      trusted.empty() ? "" : R"(,"AWS_CA_BUNDLE":)" + quote_json(trusted));
}

// A value that the shell would read as something else than text.
bool needs_quotes(const client::Grant& grant) {
  const std::string all = exports(grant, "");
  return all.find_first_of("$`\"'\\;&|<>()*?[]{}!~# \t") != std::string::npos;
}

}  // namespace

Result<void> run_auth(Context& context, const std::string& format, const client::Environment& env,
                      Streams streams) {
  client::GrantPtr grant;
  VALETKEY_CHECK(context.run(get_grant(context, grant)));
  const std::string trusted = trusted_by_tools(context.profile(), *grant, env);
  if (format == "json") {
    streams.out << as_json(*grant, trusted);
  } else if (needs_quotes(*grant)) {
    return fail(ErrorCode::corrupt,
                "the credentials hold characters that no shell line can: use --format json");
  } else {
    const char* prefix = format == "dotenv" ? "" : "export ";
    streams.out << exports(*grant, prefix) << bundle_line(trusted, prefix);
  }
  return {};
}

}  // namespace valetkey::cli
