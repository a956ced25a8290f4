// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <boost/json.hpp>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/commands.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
constexpr milliseconds kLeastLeft = std::chrono::minutes(15) + seconds(30);  // SDKs refresh at 15
constexpr milliseconds kStillUseful = seconds(30);
constexpr std::size_t kMaxCache = 64 * 1024;

Task<Result<void>> get_grant(Context& context, client::GrantPtr& grant) {
  auto got = co_await context.session().get();
  if (!got) co_return std::unexpected(got.error());
  grant = *got;
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

std::string as_json(const client::Grant& grant) {
  const auto& keys = grant.keys;
  return fmt::format(
      R"({{"AWS_ACCESS_KEY_ID":{},"AWS_SECRET_ACCESS_KEY":{},"AWS_SESSION_TOKEN":{},)"
      R"("AWS_SESSION_EXPIRATION":{},"S3_BASE_PATH":{},"endpoint":{},"region":{}}})"
      "\n",
      quote_json(keys.access_key_id), quote_json(keys.secret_access_key.reveal()),
      quote_json(keys.session_token->reveal()), epoch_ms(grant.expires),
      quote_json(grant.s3_path()), quote_json(grant.endpoint), quote_json(grant.region));
}

// A value that the shell would read as something else than text.
bool needs_quotes(const client::Grant& grant) {
  const std::string all = exports(grant, "");
  return all.find_first_of("$`\"'\\;&|<>()*?[]{}!~# \t") != std::string::npos;
}

std::string for_process(const client::Grant& grant) {
  const auto& keys = grant.keys;
  return fmt::format(
      R"({{"Version":1,"AccessKeyId":{},"SecretAccessKey":{},"SessionToken":{},"Expiration":"{}"}})",
      quote_json(keys.access_key_id), quote_json(keys.secret_access_key.reveal()),
      quote_json(keys.session_token->reveal()), format_iso8601(grant.expires));
}

Result<fs::path> cache_folder(const client::Environment& env) {
  const char* xdg = env("XDG_CACHE_HOME");
  const char* home = env("HOME");
  if ((!xdg || !*xdg) && (!home || !*home))
    return fail(ErrorCode::invalid, "there is no HOME to keep credentials in");
  fs::path folder = (xdg && *xdg ? fs::path(xdg) : fs::path(home) / ".cache") / "valetkey";
  VALETKEY_CHECK(make_folders(folder));
  return folder;
}

// One file for each API and token; its name tells neither.
fs::path cache_file(const fs::path& folder, const client::Profile& profile) {
  return folder /
         (sha256_hex(profile.api + "\n" + std::string(profile.token.reveal())).substr(0, 32) +
          ".json");
}

// The cached answer where it lives longer than that.
std::string read_cache(const fs::path& path, Timestamp now, milliseconds left) {
  auto text = read_file(path, kMaxCache);
  if (!text) return "";
  boost::system::error_code error;
  const auto value = boost::json::parse(*text, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* expires = object ? object->if_contains("Expiration") : nullptr;
  if (!expires || !expires->is_string()) return "";
  const auto until = parse_iso8601(std::string_view(expires->get_string()));
  return until && *until - now > left ? *text : "";
}

// Fresh ones, which it keeps; the old ones while the service is down and they live.
Result<std::string> fetch_for_process(Context& context, const fs::path& path) {
  client::GrantPtr grant;
  if (auto got = context.run(get_grant(context, grant)); !got) {
    std::string old = got.error().code == ErrorCode::unavailable
                          ? read_cache(path, SystemClock().now(), kStillUseful)
                          : "";
    if (old.empty()) return std::unexpected(got.error());
    return old;
  }
  std::string answer = for_process(*grant);
  VALETKEY_CHECK(replace_file(path, answer));
  return answer;
}

}  // namespace

Result<void> run_auth(Context& context, const std::string& format, Streams streams) {
  client::GrantPtr grant;
  VALETKEY_CHECK(context.run(get_grant(context, grant)));
  if (format == "json") {
    streams.out << as_json(*grant);
  } else if (needs_quotes(*grant)) {
    return fail(ErrorCode::corrupt,
                "the credentials hold characters that no shell line can: use --format json");
  } else {
    streams.out << exports(*grant, format == "dotenv" ? "" : "export ");
  }
  return {};
}

Result<void> run_credential_process(Context& context, const client::Environment& env,
                                    Streams streams) {
  VALETKEY_TRY(const auto folder, cache_folder(env));
  const fs::path path = cache_file(folder, context.profile());
  const SystemClock clock;
  std::string answer = read_cache(path, clock.now(), kLeastLeft);
  if (answer.empty()) {
    // Many processes may start at once: one exchanges, the others wait and find its answer.
    VALETKEY_TRY(auto lock, open_file(path.string() + ".lock", O_RDWR | O_CREAT));
    while (::flock(lock.get(), LOCK_EX) != 0)
      if (errno != EINTR) return fail_errno(path.string());
    answer = read_cache(path, clock.now(), kLeastLeft);
    if (answer.empty()) {
      VALETKEY_TRY(answer, fetch_for_process(context, path));
    }
  }
  streams.out << answer << '\n';
  wipe(answer);
  return {};
}

}  // namespace valetkey::cli
