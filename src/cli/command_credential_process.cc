// SPDX-License-Identifier: Apache-2.0
// Every start of an SDK waits for this: with a warm cache it makes no loop, no TLS and no OpenSSL.
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
constexpr milliseconds kPatience = seconds(5);  // an SDK waits for it
constexpr std::size_t kMaxCache = 16 * 1024;

Task<Result<void>> get_grant(Context& context, const ProcessFlags& flags, client::GrantPtr& grant) {
  auto got = co_await context.session().get();
  if (!got) co_return std::unexpected(got.error());
  grant = *got;
  co_return check_place(*grant, flags.bucket, flags.account);
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
  return (xdg && *xdg ? fs::path(xdg) : fs::path(home) / ".cache") / "valetkey";
}

// One file for each API, token and place; its name tells none of them.
fs::path cache_file(const fs::path& folder, const client::Profile& profile,
                    const ProcessFlags& flags) {
  std::string all = fmt::format("{}\n{}\n{}\n{}", profile.api, profile.token.reveal(), flags.bucket,
                                flags.account);
  fs::path file = folder / (sha256_hex_alone(all).substr(0, 32) + ".json");
  wipe(all);
  return file;
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
Result<std::string> fetch(client::Profile profile, const ProcessFlags& flags,
                          const fs::path& path) {
  VALETKEY_TRY(auto context, make_context(std::move(profile), kPatience));
  client::GrantPtr grant;
  if (auto got = context->run(get_grant(*context, flags, grant)); !got) {
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

// Many processes may start at once: one exchanges, the others wait and find its answer.
Result<std::string> fetch_once(client::Profile profile, const ProcessFlags& flags,
                               const fs::path& path) {
  VALETKEY_CHECK(make_folders(path.parent_path()));
  VALETKEY_TRY(auto lock, open_file(path.string() + ".lock", O_RDWR | O_CREAT));
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno(path.string());
  std::string answer = read_cache(path, SystemClock().now(), kLeastLeft);
  if (!answer.empty()) return answer;
  return fetch(std::move(profile), flags, path);
}

}  // namespace

Result<void> run_credential_process(client::Profile profile, const ProcessFlags& flags,
                                    const client::Environment& env, Streams streams) {
  VALETKEY_CHECK(check_profile(profile));
  VALETKEY_TRY(const auto folder, cache_folder(env));
  const fs::path path = cache_file(folder, profile, flags);
  std::string answer = read_cache(path, SystemClock().now(), kLeastLeft);
  if (answer.empty()) {
    VALETKEY_TRY(answer, fetch_once(std::move(profile), flags, path));
  }
  streams.out << answer << '\n';
  wipe(answer);
  return {};
}

}  // namespace valetkey::cli
